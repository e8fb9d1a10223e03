"""What makes a process a good pod: its CPUs, its life, its probes, its logs."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

import httpx
import pytest
from prometheus_client import CollectorRegistry, Counter
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared.service.cpu import cpu_count
from shared.service.internal import internal_app
from shared.service.lifecycle import Lifecycle, TrackRequests

ROOT = Path(__file__).parents[2]


class Clock:
    """A monotonic clock that goes only when told."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


# CPUs


def cgroup(folder: Path, **files: str) -> Path:
    """A cgroup folder; `max` is version 2's file, `quota` and `period` are version 1's."""
    names = {"max": "cpu.max", "quota": "cpu/cpu.cfs_quota_us", "period": "cpu/cpu.cfs_period_us"}
    for name, content in files.items():
        path = folder / names[name]
        path.parent.mkdir(exist_ok=True)
        path.write_text(content + "\n")
    return folder


@pytest.mark.parametrize(
    ("quota", "cpus"),
    [(1_000, 1), (50_000, 1), (100_000, 1), (100_001, 2), (150_000, 2), (400_000, 4), (6_400_000, 64)],
)
def test_the_cpu_limit_of_either_cgroup_version_counts_rounded_up(
    tmp_path: Path, quota: int, cpus: int
) -> None:
    second = tmp_path / "v2"
    first = tmp_path / "v1"
    second.mkdir()
    first.mkdir()
    assert cpu_count(cgroup(second, max=f"{quota} 100000")) == cpus
    assert cpu_count(cgroup(first, quota=str(quota), period="100000")) == cpus


def test_the_period_counts_as_well_as_the_quota(tmp_path: Path) -> None:
    assert cpu_count(cgroup(tmp_path, max="30000 10000")) == 3


def test_the_newer_version_s_limit_wins_where_both_are_there(tmp_path: Path) -> None:
    assert cpu_count(cgroup(tmp_path, max="300000 100000", quota="700000", period="100000")) == 3


def test_an_unlimited_newer_version_leaves_the_word_to_the_older(tmp_path: Path) -> None:
    assert cpu_count(cgroup(tmp_path, max="max 100000", quota="700000", period="100000")) == 7


@pytest.mark.parametrize(
    "files",
    [
        {},
        {"max": ""},
        {"max": "max 100000"},
        {"quota": "-1", "period": "100000"},
        {"quota": "100000"},
        {"quota": "100000", "period": "0"},
    ],
    ids=["bare", "empty", "unlimited-v2", "unlimited-v1", "no-period", "zero-period"],
)
def test_without_a_limit_the_cpus_this_process_may_run_on_count(
    tmp_path: Path, files: dict[str, str]
) -> None:
    allowed = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else range(os.cpu_count() or 1)
    assert cpu_count(cgroup(tmp_path, **files)) == len(allowed)
    assert cpu_count(cgroup(tmp_path, **files), requested_millis=1200) == 2


def test_a_limit_counts_more_than_what_a_pod_requests(tmp_path: Path) -> None:
    assert cpu_count(cgroup(tmp_path, max="300000 100000"), requested_millis=1000) == 3


# Life


def test_a_service_welcomes_work_from_its_start_to_its_drain() -> None:
    lifecycle = Lifecycle(Clock())
    assert not lifecycle.ready
    lifecycle.started = True
    assert lifecycle.ready
    lifecycle.draining = True
    assert not lifecycle.ready


def test_quiet_is_counted_from_the_last_begin_or_end_and_never_while_a_request_runs() -> None:
    clock = Clock()
    lifecycle = Lifecycle(clock)
    clock.now += 3
    assert lifecycle.quiet_for() == 3
    lifecycle.begin()
    lifecycle.begin()
    clock.now += 5
    assert lifecycle.quiet_for() == 0
    lifecycle.end()
    clock.now += 5
    assert lifecycle.quiet_for() == 0
    lifecycle.end()
    assert lifecycle.quiet_for() == 0
    clock.now += 2
    assert lifecycle.quiet_for() == 2


def ask(app: ASGIApp, path: str) -> httpx.Response:
    async def asked() -> httpx.Response:
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://pod") as client:
            return await client.get(path)

    return asyncio.run(asked())


def tracked(lifecycle: Lifecycle, answer: Callable[[Request], Awaitable[Response]]) -> ASGIApp:
    return TrackRequests(Starlette(routes=[Route("/", answer)]), lifecycle)


def test_a_draining_service_still_answers_and_asks_its_clients_to_close() -> None:
    lifecycle = Lifecycle()

    async def answer(_: Request) -> Response:
        return PlainTextResponse("still here")

    app = tracked(lifecycle, answer)
    assert "connection" not in ask(app, "/").headers
    lifecycle.draining = True
    last = ask(app, "/")
    assert (last.status_code, last.text, last.headers["connection"]) == (200, "still here", "close")


def test_a_drain_that_begins_while_a_request_runs_still_closes_its_connection() -> None:
    lifecycle = Lifecycle()

    async def answer(_: Request) -> Response:
        lifecycle.draining = True
        return PlainTextResponse("done")

    assert ask(tracked(lifecycle, answer), "/").headers["connection"] == "close"


def test_a_request_counts_while_it_runs_and_no_longer_however_it_ends() -> None:
    lifecycle = Lifecycle()
    seen = []

    async def answer(_: Request) -> Response:
        seen.append(lifecycle.in_flight)
        raise RuntimeError

    assert ask(tracked(lifecycle, answer), "/").status_code == 500
    assert (seen, lifecycle.in_flight) == ([1], 0)


def test_start_up_and_shutdown_of_the_app_are_no_requests() -> None:
    clock = Clock()
    lifecycle = Lifecycle(clock)
    clock.now += 4
    passed = []

    async def app(scope: Scope, _receive: Receive, _send: Send) -> None:
        passed.append((scope["type"], lifecycle.in_flight))

    async def nothing() -> Message:
        return {"type": "lifespan.startup"}

    async def nowhere(_: Message) -> None:
        return

    asyncio.run(TrackRequests(app, lifecycle)({"type": "lifespan"}, nothing, nowhere))
    assert passed == [("lifespan", 0)]
    assert lifecycle.quiet_for() == 4


# Probes


def test_readiness_follows_the_service_s_life_while_health_stays_good_to_the_end() -> None:
    lifecycle = Lifecycle()
    app = internal_app(lifecycle, CollectorRegistry())
    told = []
    for started, draining in ((False, False), (True, False), (True, True)):
        lifecycle.started, lifecycle.draining = started, draining
        ready = ask(app, "/readyz")
        told.append((ready.status_code, ready.text.strip(), ask(app, "/healthz").status_code))
    assert told == [(503, "starting", 200), (200, "ready", 200), (503, "draining", 200)]


def test_other_paths_of_the_internal_port_are_problems_as_on_the_public_one() -> None:
    answer = ask(internal_app(Lifecycle(), CollectorRegistry()), "/convert")
    assert answer.json()["type"] == "urn:grisaille:problem:not-found"


def test_metrics_are_those_of_the_registry_it_was_given() -> None:
    registry = CollectorRegistry()
    Counter("paintings", "Paintings made.", registry=registry).inc(3)
    assert "paintings_total 3.0" in ask(internal_app(Lifecycle(), registry), "/metrics").text


# Logs


def logged(script: str, level: str = "info") -> list[dict[str, object]]:
    """What a process that runs `script` writes to standard error; every line must be an object."""
    lines = [json.loads(line) for line in written(script, level, "JSON")]
    assert all(isinstance(line, dict) for line in lines)
    return lines


def written(script: str, level: str, form: str) -> list[str]:
    """The lines."""
    head = "import logging\nfrom shared.service import logs\n"
    head += f"logs.configure({level!r}, logs.LogFormat.{form})\n"
    head += "LOG = logging.getLogger('grisaille.test')\n"
    ended = subprocess.run(
        [sys.executable, "-c", head + script],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
        timeout=30,
    )
    assert ended.stdout == ""
    return ended.stderr.splitlines()


def test_text_is_a_line_an_event_too() -> None:
    script = "logs.event(LOG, logging.INFO, 'request', outcome='ok', detail='a\\nb')\nLOG.error('x\\ny')\n"
    first, second = written(script, "info", "TEXT")
    assert first.endswith('info    request outcome="ok" detail="a\\nb"')
    assert second.endswith("error   x\\ny")


def test_every_event_is_one_json_object_on_a_line_of_its_own() -> None:
    lines = logged(
        "import pathlib\n"
        "logs.event(LOG, logging.INFO, 'request', outcome='ok', bytes_in=5)\n"
        "fields = {'text': 'a\\r\\nb \\u2028 \\x00', 'path': pathlib.Path('/x')}\n"
        "logs.event(LOG, logging.WARNING, 'two\\nlines %s', **fields)\n"
        "LOG.error('plain %d', 7)\n"
        "logging.getLogger('uvicorn.error').warning('from the server')\n"
    )
    assert [line["event"] for line in lines] == ["request", "two\nlines %s", "plain 7", "from the server"]
    assert [line["level"] for line in lines] == ["info", "warning", "error", "warning"]
    assert (lines[0]["outcome"], lines[0]["bytes_in"]) == ("ok", 5)
    assert (lines[1]["text"], lines[1]["path"]) == ("a\r\nb \u2028 \0", "/x")
    assert all(str(line["time"]).endswith("+00:00") for line in lines)


def test_an_exception_with_its_whole_trace_stays_on_one_line() -> None:
    [line] = logged("try:\n  1 / 0\nexcept ZeroDivisionError:\n  LOG.exception('internal')\n")
    assert line["event"] == "internal"
    assert "Traceback" in str(line["exception"])
    assert "ZeroDivisionError" in str(line["exception"])


def test_lines_below_the_level_and_the_chatter_of_libraries_are_not_written() -> None:
    script = (
        "LOG.info('quiet')\n"
        "LOG.warning('loud')\n"
        "logging.getLogger('httpx').info('chatter')\n"
        "logging.getLogger('uvicorn.error').info('chatter')\n"
    )
    assert [line["event"] for line in logged(script, "info")] == ["quiet", "loud"]
    assert [line["event"] for line in logged(script, "warning")] == ["loud"]
