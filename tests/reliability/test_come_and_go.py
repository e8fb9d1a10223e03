"""Workers and gateways that start, stop, die and vanish: no request is lost."""

from __future__ import annotations

import asyncio
import signal
import threading
import time
from pathlib import Path
from random import Random

import httpx
import numpy as np
from support.balancer import balanced
from support.images import jpeg, luma_plane, photo, pixels, png
from support.load import Load, mixed
from support.report import Say
from support.service import plan, within
from support.stack import Stack, Worker, stack


def replaced(running: Stack, worker: Worker) -> None:
    """As a rollout does: a new one first; then the old one is told to stop, and taken off the list."""
    running.add_workers(1)
    worker.send(signal.SIGTERM)
    running.forget(worker)
    assert worker.end() == 0


def test_rolling_restart_of_workers(say: Say) -> None:
    with stack(3) as running, Load(running.url, mixed(), clients=6) as load:
        load.until(50)
        for worker in list(running.workers):
            replaced(running, worker)
            load.until(50)
    assert not load.failures(least=200)
    say("rolling restart of 3 workers under load", "0 failed", f"0 of {len(load.outcomes)} failed")


def test_rolling_restart_of_gateways(say: Say) -> None:
    with stack(2) as running:
        running.add_gateway().await_ready()
        with balanced(running.gateways) as url, Load(url, mixed(), clients=6) as load:
            load.until(50)
            for gateway in running.gateways:
                assert gateway.end() == 0
                load.until(50)
                gateway.start()
                gateway.await_ready()
                assert within(lambda: running.sees(2))
                load.until(50)
    assert not load.failures(least=250)
    say(
        "rolling restart of 2 gateways behind a balancer that honours readiness",
        "0 failed",
        f"0 of {len(load.outcomes)} failed",
    )


def test_up_and_down(say: Say) -> None:
    with stack(2) as running, Load(running.url, mixed(), clients=12) as load:
        load.until(50)
        new = running.add_workers(4)
        assert within(lambda: running.sees(6))
        before, first = {w: w.converted for w in running.workers}, len(load.outcomes)
        time.sleep(10)  # the promise is about what has happened after ten seconds
        done = {w: w.converted - before[w] for w in running.workers}
        share = min(done[w] for w in new) / (sum(done.values()) / 6)
        assert share >= 0.5, done
        for worker in new:
            running.forget(worker)
        assert within(lambda: running.sees(2))
        for worker in new:
            worker.send(signal.SIGTERM)
        for worker in new:
            assert within(lambda worker=worker: not worker.is_running)  # type: ignore[misc]  # bound at once
        load.until(50)
        assert len(load.outcomes) > first + 100
    assert not load.failures(least=200)
    say(
        "2, 6, then 2 workers under load",
        "0 failed; within 10 s each new one has at least half its fair share; none after its drain",
        f"0 of {len(load.outcomes)} failed; the least had {share:.0%}; all four drained and ended",
    )


def test_a_drained_worker_gets_nothing_more(say: Say) -> None:
    with stack(2, {"drain_quiet_seconds": 3}) as running, Load(running.url, mixed(), clients=4) as load:
        load.until(50)
        leaving = running.workers[0]
        running.forget(leaving)
        assert within(lambda: running.sees(1))
        load.until(20)  # what was under way on it has ended
        leaving.send(signal.SIGTERM)
        done = leaving.converted
        load.until(100)
        assert leaving.converted == done
        assert within(lambda: not leaving.is_running)
    assert not load.failures(least=100)
    say("a worker that left the list", "gets nothing", f"0 of the next {100} requests")


def test_killed_again_and_again(say: Say) -> None:
    random, kills = Random(5), 8
    with stack(4) as running, Load(running.url, mixed(), clients=6) as load:
        load.until(50)
        for _ in range(kills):
            victim = random.choice(running.workers)
            victim.end(signal.SIGKILL)
            load.until(20)
            victim.start()
            victim.await_ready()
            assert within(lambda: running.sees(4))
    assert not load.failures(least=300)
    say(
        "kill -9 of a worker, again and again", "0 failed", f"{kills} kills, 0 of {len(load.outcomes)} failed"
    )


def test_killed_in_the_middle_of_a_stripe(say: Say) -> None:
    data = jpeg(photo(1600, 1712), restart_marker_rows=1)
    with stack(2) as running:
        [slow] = running.add_workers(1, fault="delay", fault_seconds=30)
        running.await_workers()
        answers: list[httpx.Response] = []

        def ask() -> None:
            answers.append(
                httpx.post(f"{running.url}/convert?stripes=3&format=png", content=data, timeout=60)
            )

        asking = threading.Thread(target=ask)
        asking.start()
        assert within(lambda: slow.metric("grisaille_worker_running") == 1)
        slow.end(signal.SIGKILL)
        asking.join(60)
    assert answers[0].status_code == 200
    assert plan(answers[0]) == ("stripes", 3)
    assert np.array_equal(pixels(answers[0].content), luma_plane(data))
    say("kill -9 in the middle of a stripe", "the same picture as in-process", "the same")


def test_all_workers_gone(say: Say) -> None:
    small, large = png(photo(64, 64)), jpeg(photo(2400, 2000))
    with stack(2, worker_patience_seconds=0.5) as running:
        for worker in running.workers:
            worker.end(signal.SIGKILL)
        assert within(lambda: running.sees(0) or bool(httpx.post(f"{running.url}/convert", content=small)))
        inline = httpx.post(f"{running.url}/convert", content=small, timeout=30)
        assert plan(inline)[0] == "inline"
        refused = httpx.post(f"{running.url}/convert", content=large, timeout=30)
        assert refused.status_code == 503
        assert int(refused.headers["Retry-After"]) >= 1
        for worker in running.workers:
            worker.start()
        for worker in running.workers:
            worker.await_ready()
        back = time.monotonic()
        assert within(
            lambda: httpx.post(f"{running.url}/convert", content=large, timeout=30).status_code == 200
        )
        seconds = time.monotonic() - back
        assert seconds < 5
    say(
        "all workers gone",
        "503 with Retry-After, inline if small; back within 5 s of their return",
        f"so; back after {seconds:.1f} s",
    )


def test_dns_dead(say: Say, tmp_path: Path) -> None:
    names = tmp_path / "names"
    with stack(2) as running:
        names.write_text("\n".join(worker.host for worker in running.workers))
        gateway = running.add_gateway(
            command="tests/support/gateway_with_names.py", workers="dns://workers.test:8000", names=names
        )
        running.gateways.reverse()
        running.await_workers()
        assert httpx.post(f"{gateway.url}/convert", content=png(photo(64, 64))).status_code == 200
        with Load(gateway.url, mixed(), clients=4) as load:
            load.until(50)
            names.unlink()  # from now on the name server does not answer
            load.until(200)
            assert running.sees(2)
            [new] = running.add_workers(1)
            names.write_text("\n".join(worker.host for worker in running.workers))
            assert within(lambda: running.sees(3))
            assert within(lambda: new.converted > 0)
    assert not load.failures(least=250)
    say(
        "DNS dead",
        "the last addresses are kept",
        f"0 of {len(load.outcomes)} failed; new ones used when it was back",
    )


def test_idle_for_exactly_the_keep_alive_time(say: Say) -> None:
    rounds, clients, keep_alive = 20, 50, 1
    picture = png(photo(32, 32))
    settings: dict[str, object] = {"keep_alive_seconds": keep_alive}
    with stack(2, settings, client_idle_seconds=0.9, keep_alive_seconds=120) as running:

        async def run() -> list[int]:
            limits = httpx.Limits(max_connections=None, max_keepalive_connections=None)
            async with httpx.AsyncClient(timeout=30, limits=limits) as client:

                async def one() -> list[int]:
                    statuses = []
                    for _ in range(rounds):
                        answer = await client.post(f"{running.url}/convert", content=picture)
                        statuses.append(answer.status_code)
                        await asyncio.sleep(keep_alive)
                    return statuses

                return [
                    s for statuses in await asyncio.gather(*(one() for _ in range(clients))) for s in statuses
                ]

        statuses = asyncio.run(run())
        assert statuses == [200] * (rounds * clients)
        assert running.gateway.metric("grisaille_gateway_retries_total") == 0
    say(
        "workers' connections idle for exactly their keep-alive time (1 s), then used",
        "0 of 1,000 failed",
        f"0 of {len(statuses)} failed, no attempt had to be repeated",
    )
