"""Pools in every state, for tests; clock and random are ours."""

from __future__ import annotations

from random import Random

from gateway.fanout.pool import Pool, Worker


class Clock:
    """A monotonic clock that goes only when told."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def urls(count: int) -> list[str]:
    return [f"http://worker-{n}" for n in range(count)]


def idle(count: int, *, slots: int = 1, seed: int = 0, clock: Clock | None = None) -> Pool:
    """A pool of so many workers that a probe found idle."""
    pool = Pool(Random(seed), clock or Clock())
    pool.update(urls(count))
    for worker in pool.absent():
        pool.probed(worker, (0, slots, 0))
    return pool


def taken(pool: Pool, times: int = 1) -> list[Worker]:
    workers = [pool.take() for _ in range(times)]
    assert None not in workers
    return [worker for worker in workers if worker is not None]


def fail(pool: Pool, worker: Worker, times: int = 5) -> None:
    for _ in range(times):
        pool.failed(worker, gone=False)
