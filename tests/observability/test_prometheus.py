"""Every panel and every rule against a real Prometheus, while things go wrong."""

from __future__ import annotations

import json
import math
import re
import signal
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import yaml
from support.dashboard import draw
from support.images import jpeg, photo
from support.load import Load, mixed
from support.prometheus import RULES, Prometheus, prometheus
from support.service import ROOT, within
from support.stack import Stack, stack

from bench.client import Client

DASHBOARD = json.loads((ROOT / "deploy/dashboards/grisaille.json").read_text())
PANELS = {panel["title"]: panel for panel in DASHBOARD["panels"] if panel["type"] != "row"}
RECORDED = [
    rule["record"]
    for group in yaml.safe_load(RULES.read_text())["groups"]
    for rule in group["rules"]
    if "record" in rule
]
RATE, SECONDS = "15s", 40
DRIVEN = {
    "What share of the requests fails?",
    "How do attempts fail?",
    "How much is tried again, and does the budget hold?",
    "Do hedges help?",
    "Who is put out, and why?",
    "What is refused for want of room?",
    "What do clients get wrong, and what is refused?",
}
"""Panels about faults, each of which was made to happen."""


@pytest.fixture(scope="module")
def watched(request: pytest.FixtureRequest) -> Iterator[tuple[Stack, Prometheus]]:
    """A stack with a Prometheus that has seen it well, then ill in every way there is a panel for."""
    ill = {"conversions_per_slot": 1, "admission_wait_seconds": 0.05, "attempt_base_seconds": 2}
    ill |= {"retry_budget_ratio": 0.0, "retry_budget_per_second": 0.5, "hedge_ratio": 0.5}
    with stack(3, **ill) as running:  # type: ignore[arg-type]  # `command` is not among them
        running.add_workers(1, fault="delay", fault_seconds=0.4)
        running.await_workers()
        with prometheus(running) as server:
            hurt(running)
            yield running, server
            picture = request.config.getoption("--picture")
            if picture:
                draw(server, [*PANELS.values()], asked, SECONDS, picture)


def hurt(running: Stack) -> None:
    victim = running.workers[0]
    with Load(running.url, mixed(), clients=12) as load:
        for _ in range(2):
            for body in (b"no image", b"", jpeg(photo(64, 64))[:-100]):
                httpx.post(f"{running.url}/convert", content=body)
            load.until(60)
            victim.send(signal.SIGKILL)
            load.until(60)
            victim.end(signal.SIGKILL)
            victim.start()
            victim.await_ready()
        running.add_workers(1)
        begin = time.monotonic()
        assert within(lambda: time.monotonic() - begin > 5)  # a rate needs a few scrapes more
        load.until(60)


def asked(query: str) -> str:
    return query.replace("$namespace", "test").replace("$__rate_interval", RATE)


@pytest.mark.parametrize("title", PANELS)
def test_a_panel_has_something_to_show(title: str, watched: tuple[Stack, Prometheus]) -> None:
    _, server = watched
    values: list[float] = []
    for target in PANELS[title]["targets"]:
        found = server.series(asked(target["expr"]), SECONDS)
        numbers = [value for one in found for value in one if math.isfinite(value)]
        assert numbers, target["expr"]
        assert min(numbers) >= 0
        if PANELS[title]["fieldConfig"]["defaults"]["unit"] == "percentunit":
            assert max(numbers) <= 1.5  # a rate over a few scrapes may overshoot
        values += numbers
    if title in DRIVEN:
        assert max(values) > 0


def test_a_change_in_the_number_of_workers_is_marked(watched: tuple[Stack, Prometheus]) -> None:
    _, server = watched
    [scaled] = [one["expr"] for one in DASHBOARD["annotations"]["list"] if "expr" in one]
    assert server.series(asked(scaled), SECONDS)


@pytest.mark.parametrize("name", RECORDED)
def test_a_recording_rule_has_a_value(name: str, watched: tuple[Stack, Prometheus]) -> None:
    _, server = watched
    assert within(lambda: bool(server.get("query", query=name)["result"]), seconds=40)
    assert 0 <= server.value(name) < 1000


def test_no_rule_is_ill_and_what_alerts_ask_for_exists(watched: tuple[Stack, Prometheus]) -> None:
    _, server = watched

    def rules() -> list[dict[str, Any]]:
        return [rule for group in server.get("rules")["groups"] for rule in group["rules"]]

    assert within(lambda: all(rule["health"] == "ok" for rule in rules()), seconds=40)
    names = set(server.get("label/__name__/values"))
    for rule in rules():
        assert set(re.findall(r"\bgrisaille[\w:]+", rule["query"])) <= names, rule["name"]


def test_the_stages_explain_what_clients_wait_for() -> None:
    picture = jpeg(photo(6000, 4000), restart_marker_rows=1)
    with stack(2) as running, Client(running.gateway.port, running.gateway.host) as client:

        def explained() -> float:
            return running.gateway.metric("grisaille_gateway_stage_seconds_sum")

        for _ in range(2):  # connections are opened, buffers touched
            client.convert(picture, "png")
        before, begin = explained(), time.perf_counter()
        for _ in range(10):
            client.convert(picture, "png")
        waited = time.perf_counter() - begin
        assert 0.95 * waited <= explained() - before <= waited
