"""`grisaille serve` as its user meets it: starting, stopping, and workers that die."""

from __future__ import annotations

import contextlib
import functools
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator

import pytest
from support.images import grey, jpeg, photo
from support.service import ROOT, Service, plan, processes, running, within

from shared.options import Options

PICTURE = jpeg(photo(1600, 1712), restart_marker_rows=1)


def descendants(pid: int) -> set[int]:
    """All processes below one."""
    parents = {process.pid: process.parent for process in processes()}
    found: set[int] = set()
    while new := {p for p, parent in parents.items() if parent in found | {pid}} - found:
        found |= new
    return found


def alive(pids: set[int]) -> set[int]:
    return pids & {process.pid for process in processes()}


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_everything_and_leaves_no_process_and_no_file(number: int) -> None:
    with running(workers=1) as service:
        assert service.convert(PICTURE).status_code == 200
        family = descendants(service.process.pid)
        assert len(family) >= 3
        assert list(service.folder.iterdir())
        assert service.stop(number) == 0
        assert within(lambda: not alive(family))
        assert list(service.folder.iterdir()) == []


def test_even_a_killed_supervisor_leaves_no_process() -> None:
    with running(workers=1) as service:
        family = descendants(service.process.pid)
        service.process.kill()
        service.process.wait()
        assert within(lambda: not alive(family))


def test_a_taken_port_is_said_and_ends_the_second(service: Service) -> None:
    port = service.url.rsplit(":", 1)[1]
    second = subprocess.run(
        [sys.executable, "-m", "grisaille", "serve", "--port", port],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert second.returncode == 1
    assert f"port {port} is taken" in second.stderr
    assert service.convert(PICTURE).status_code == 200


@contextlib.contextmanager
def asked_all_the_time(service: Service) -> Iterator[None]:
    """A client asks until the block is left, and was given the right picture every time."""
    wanted = grey(PICTURE, Options())
    failures: list[str] = []
    stop = threading.Event()

    def ask() -> None:
        while not stop.is_set():
            answer = service.convert(PICTURE)
            if answer.content != wanted:
                failures.append(f"{answer.status_code} {answer.headers}")

    asker = threading.Thread(target=ask)
    asker.start()
    try:
        yield
    finally:
        stop.set()
        asker.join()
    assert not failures


def test_a_killed_worker_comes_back_and_no_request_is_lost() -> None:
    with running(workers=2) as service, asked_all_the_time(service):
        for _ in range(2):
            before = set(service.children("worker"))
            os.kill(min(before), signal.SIGKILL)
            assert within(functools.partial(is_replaced, service, before))
            assert within(lambda: uses_both(service))


def test_signals_add_workers_and_take_them_away_and_no_request_is_lost() -> None:
    with running(workers=1) as service, asked_all_the_time(service):
        first = service.children("worker")
        service.process.send_signal(signal.SIGTTIN)
        assert within(lambda: uses_both(service))
        service.process.send_signal(signal.SIGTTOU)
        assert within(lambda: service.children("worker") == first)
        for _ in range(3):
            service.process.send_signal(signal.SIGTTOU)
        assert within(lambda: service.children("worker") == [])
        service.process.send_signal(signal.SIGTTIN)
        assert within(lambda: len(service.children("worker")) == 1)


def is_replaced(service: Service, before: set[int]) -> bool:
    return len(set(service.children("worker")) - before) == 1


def uses_both(service: Service) -> bool:
    return "workers=2" in service.convert(PICTURE, stripes=2).headers["X-Grisaille-Plan"]


@contextlib.contextmanager
def without_workers(service: Service) -> Iterator[None]:
    """No worker, and a supervisor that cannot start one."""
    os.kill(service.process.pid, signal.SIGSTOP)
    try:
        for worker in service.children("worker"):
            os.kill(worker, signal.SIGKILL)
        yield
    finally:
        os.kill(service.process.pid, signal.SIGCONT)


def test_without_workers_a_small_image_is_converted_inline_and_a_large_one_refused() -> None:
    small, large = jpeg(photo(640, 480)), jpeg(photo(2400, 2000))
    with running(workers=1, worker_patience_seconds=0.3) as service:
        with without_workers(service):
            # The request that finds the worker gone may have been its end, so it is not converted here.
            assert service.convert(small).status_code in {200, 503}
            answer = service.convert(small)
            assert plan(answer) == ("inline", 1)
            assert answer.content == grey(small, Options())
            refused = service.convert(large)
            assert refused.status_code == 503
            assert int(refused.headers["Retry-After"]) >= 1
            assert refused.json()["type"].endswith("no-worker")
        assert within(lambda: service.convert(large).status_code == 200)
