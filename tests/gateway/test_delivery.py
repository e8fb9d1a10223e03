"""How attempts and hedges are counted, with workers that are real servers and do as they are told."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from random import Random

import pytest
from prometheus_client import CollectorRegistry
from support.liars import Handler, Lie, liar

from gateway.fanout.attempt import Request
from gateway.fanout.delivery import Fanout, Part
from gateway.fanout.pool import Pool
from gateway.fanout.transport import WireTransport
from gateway.metrics import GatewayMetrics
from gateway.offload import Offload
from gateway.settings import GatewaySettings
from shared.contract import LOAD
from shared.options import Options
from shared.problems import Overloaded
from shared.service.spool import SPOOL_DIR, Spool

KIND, PIXELS = "kind", 1000


class Scene:
    """Two workers of which the first is asked first, and what they wait for."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.hedge_asked, self.first_ended = threading.Event(), threading.Event()

    def counted(self, name: str, **labels: str) -> float:
        value = self.registry.get_sample_value(f"grisaille_gateway_{name}_total", labels)
        assert value is not None
        return value

    def deliver(self, first: Lie, second: Lie) -> bytes:
        with liar(first) as one, liar(second) as two, ThreadPoolExecutor(2) as threads:
            return asyncio.run(self._deliver([one.url, two.url], threads))

    async def _deliver(self, urls: list[str], threads: ThreadPoolExecutor) -> bytes:
        settings = GatewaySettings(hedge_ratio=1.0)
        pool = Pool(Random(0), time.monotonic)
        pool.update(urls)
        for worker in pool.absent():
            pool.probed(worker, None)
        [first] = [worker for worker in pool.ready if worker.url == urls[0]]
        pool.begin(first)  # the one used last is asked first
        pool.ended(first)
        transport = WireTransport(1.0, 15.0, Spool())
        fanout = Fanout(settings, pool, transport, Offload(threads), GatewayMetrics(self.registry))
        for _ in range(20):
            fanout._lateness.add(KIND, PIXELS, 0.05)  # noqa: SLF001 - as after twenty requests
        part = Part(Request((b"image",), Options(), {}), KIND, PIXELS, 1.0, bytes)
        try:
            return (await fanout.deliver(part, time.monotonic() + 20, 1.0)).value
        finally:
            await transport.aclose()


@pytest.fixture
def scene() -> Iterator[Scene]:
    made = Scene()
    yield made
    made.hedge_asked.set()
    made.first_ended.set()


def test_a_hedge_that_is_answered_first_has_won_and_the_first_attempt_is_cancelled(scene: Scene) -> None:
    def first(*_: object) -> None:
        scene.first_ended.wait(10)

    def second(handler: Handler, _: bytes) -> None:
        handler.answer(b"ok")

    assert scene.deliver(first, second) == b"ok"
    assert (scene.counted("hedges", result="won"), scene.counted("hedges", result="lost")) == (1, 0)
    assert scene.counted("attempts", outcome="ok") == 1
    assert scene.counted("attempts", outcome="cancelled") == 1


def test_a_hedge_that_saves_a_part_whose_first_attempt_fails_has_won(scene: Scene) -> None:
    def first(handler: Handler, _: bytes) -> None:
        assert scene.hedge_asked.wait(10)
        handler.close_connection = True  # no answer
        scene.first_ended.set()

    def second(handler: Handler, _: bytes) -> None:
        scene.hedge_asked.set()
        assert scene.first_ended.wait(10)
        handler.answer(b"ok")

    assert scene.deliver(first, second) == b"ok"
    assert (scene.counted("hedges", result="won"), scene.counted("hedges", result="lost")) == (1, 0)
    assert scene.counted("attempts", outcome="ok") == 1
    assert scene.counted("retries") == 0


def test_a_hedge_that_comes_second_has_lost(scene: Scene) -> None:
    def first(handler: Handler, _: bytes) -> None:
        assert scene.hedge_asked.wait(10)
        handler.answer(b"ok")

    def second(handler: Handler, _: bytes) -> None:
        scene.hedge_asked.set()
        scene.first_ended.wait(2)
        handler.answer(b"late")

    assert scene.deliver(first, second) == b"ok"
    assert (scene.counted("hedges", result="won"), scene.counted("hedges", result="lost")) == (0, 1)
    assert scene.counted("attempts", outcome="ok") == 1
    assert scene.counted("attempts", outcome="cancelled") == 1


def _with_a_load(load: str) -> Lie:
    def lie(handler: Handler, _: bytes) -> None:
        handler.send_response(200)
        handler.send_header(LOAD, load)
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    return lie


def _judged(document: object) -> Lie:
    return lambda handler, _: handler.answer(json.dumps(document).encode(), status=422)


HEADS: dict[str, Lie] = {
    "a load of many digits": _with_a_load("9" * 5000 + "/1/0"),
    "a problem that is a list": _judged([1]),
    "a problem of no type": _judged({"type": None, "detail": "x"}),
    "a problem without end": lambda handler, _: handler.answer(b"[" * 100_000, status=422),
}


@pytest.mark.parametrize("lie", HEADS)
def test_a_worker_that_lies_in_its_head_is_passed_over(scene: Scene, lie: str) -> None:
    assert scene.deliver(HEADS[lie], lambda handler, _: handler.answer(b"ok")) == b"ok"


def _is_full(handler: Handler, _: bytes) -> None:
    problem = Overloaded("the disk is full", setting=SPOOL_DIR)
    handler.answer(json.dumps(problem.document()).encode(), status=503)


def test_a_worker_whose_disk_is_full_is_passed_over_for_another(scene: Scene) -> None:
    assert scene.deliver(_is_full, lambda handler, _: handler.answer(b"ok")) == b"ok"
    assert scene.counted("attempts", outcome="full") == 1


def test_where_every_disk_is_full_the_problem_is_told_and_not_waited_out(scene: Scene) -> None:
    begin = time.monotonic()
    with pytest.raises(Overloaded) as refused:
        scene.deliver(_is_full, _is_full)
    assert refused.value.members == {"setting": SPOOL_DIR}
    assert 3 <= scene.counted("attempts", outcome="full") <= 6  # each may have been hedged
    assert time.monotonic() - begin < 10
