"""Workers that hang, crawl or lie, and files that kill: they cost time, never a picture."""

from __future__ import annotations

import signal
import threading
import time

import httpx
import pytest
from support.images import jpeg, photo
from support.liars import LIES, liar
from support.load import Load, Picture, mixed
from support.report import Say, bold
from support.service import within
from support.stack import Worker, stack


def test_a_worker_that_hangs(say: Say) -> None:
    with stack(4, attempt_base_seconds=2) as running, Load(running.url, mixed(), clients=6) as load:
        load.until(200)
        gateway, hanging = running.gateway, running.workers[0]
        normal = load.percentile(0.99)
        hanging.send(signal.SIGSTOP)
        begin = len(load.outcomes)
        assert within(lambda: gateway.metric('grisaille_gateway_workers{state="ejected"}') == 1)
        load.until(200)
        during = load.percentile(0.99, begin)
        done = before_thaw(hanging)
        assert within(lambda: hanging.converted > done, seconds=40)
        load.until(50)
    assert not load.failures(least=400)
    say(
        "SIGSTOP of one of 4 workers, later SIGCONT",
        "moved by hedge or deadline (2 s here), ejected, re-admitted; p99 bounded",
        f"0 of {len(load.outcomes)} failed; p99 {normal * 1e3:.0f}, then {during * 1e3:.0f} ms; re-admitted",
    )


def before_thaw(worker: Worker) -> int:
    """Let it go on; what it had converted when it hung and finished now."""
    worker.send(signal.SIGCONT)
    time.sleep(1)  # what it had accepted before ends now
    return worker.converted


def test_a_worker_that_crawls(say: Say) -> None:
    picture = [Picture.of(jpeg(photo(640, 480)))]
    usual: dict[str, object] = {"fault": "delay", "fault_seconds": 0.03}
    with stack(3, usual) as running:
        running.await_workers()
        with Load(running.url, picture, clients=3) as before:
            before.until(200)
        [slow] = running.add_workers(1, fault="delay", fault_seconds=0.4)
        running.await_workers()
        done = {worker: worker.converted for worker in running.workers}
        with Load(running.url, picture, clients=3) as load:
            load.until(600)
        done = {worker: worker.converted - done[worker] for worker in running.workers}
        share, ratio = done[slow] / sum(done.values()), load.percentile(0.95) / before.percentile(0.95)
        assert running.gateway.metric('grisaille_gateway_workers{state="ejected"}') == 1
    assert not load.failures(least=600)
    assert share < 0.1
    seen = f"share {share:.1%}, p95 {ratio:.2f}x"
    say(
        "one worker 10x slower than three others",
        "its share < 10 %, p95 < 2x normal",
        bold(seen, unless=ratio < 2),
    )


@pytest.mark.parametrize("lie", LIES)
def test_a_worker_that_lies(lie: str, say: Say) -> None:
    with stack(3) as running, liar(LIES[lie]) as lying:
        running.tell(lying.url)
        assert within(lambda: running.sees(4))
        with Load(running.url, mixed(), clients=6) as load:
            assert within(lambda: running.gateway.metric('grisaille_gateway_workers{state="ejected"}') == 1)
            load.until(30)
            asked = lying.asked
            load.until(50)
        assert asked >= 5
        assert lying.asked == asked
    assert not load.failures(least=80)
    say(
        f"a worker that answers with {lie}",
        "never merged; redone elsewhere; ejected",
        f"0 of {len(load.outcomes)} failed; ejected after {asked} attempts",
    )


def test_a_worker_of_another_contract(say: Say) -> None:
    with stack(2) as running, liar(LIES["garbage"], contract="2") as other:
        running.tell(other.url)
        with Load(running.url, mixed(), clients=4) as load:
            load.until(100)
        assert running.sees(2)
        assert other.asked == 0
    assert not load.failures(least=100)
    say(
        "an old worker with another contract number",
        "never used, 0 failed",
        f"0 of {len(load.outcomes)} failed",
    )


def test_a_file_that_kills(say: Say) -> None:
    settings: dict[str, object] = {"fault": "crash", "fault_requests": "poison"}
    with stack(5, settings) as running, Load(running.url, mixed(), clients=4) as load:
        load.until(50)
        stop = threading.Event()
        reviving = threading.Thread(target=revive, args=(running.workers, stop))
        reviving.start()
        try:
            for _ in range(3):
                headers = {"X-Request-Id": "poison"}
                data = jpeg(photo(640, 480))
                answer = httpx.post(f"{running.url}/convert", content=data, headers=headers, timeout=60)
                assert answer.status_code == 422
                assert answer.json()["type"].endswith(":decoder-crash")
                assert within(lambda: running.sees(5))
                load.until(50)
        finally:
            stop.set()
            reviving.join(60)
    assert not load.failures(least=200)
    say(
        "a file that kills every worker that touches it, among normal load",
        "422 after 3 attempts; normal requests: 0 failed",
        f"3 times 422 `decoder-crash`; 0 of {len(load.outcomes)} others failed",
    )


def revive(workers: list[Worker], stop: threading.Event) -> None:
    """Start again what died, as a kubelet does."""
    while not stop.wait(0.2):
        for worker in workers:
            if not worker.is_running:
                worker.start()
