"""A worker's slots with real threads, which work until a test lets them go."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import TypeVar

from prometheus_client import CollectorRegistry

from worker.metrics import WorkerMetrics
from worker.slots import Cancel, Slots

_T = TypeVar("_T")
PATIENCE = 20
"""Seconds until a test that hangs fails instead; none needs any of them."""


async def never_gone() -> None:
    """A client that stays."""
    await asyncio.Event().wait()


def patient() -> Cancel:
    return Cancel(PATIENCE)


class Bench:
    """Slots, their metrics, and work that stays in its slot until `release` is set."""

    def __init__(self, slots: int, queue: int, cpus: int = 2) -> None:
        self.registry = CollectorRegistry()
        self.slots = Slots(slots, queue, WorkerMetrics(self.registry), cpus)
        self.release = threading.Event()
        self._loop = asyncio.get_running_loop()

    def metric(self, name: str) -> float | None:
        return self.registry.get_sample_value(f"grisaille_worker_{name}")

    async def run(self, work: Callable[[Cancel], _T], cancel: Cancel | None = None) -> _T:
        """As the worker's route does it: admitted first, then in a slot."""
        async with self.slots.admitted():
            return await self.slots.run(work, cancel or patient(), never_gone)

    async def occupied(self) -> asyncio.Task[str]:
        """A conversion that has begun and stays in its slot."""
        begun = asyncio.Event()

        def work(_: Cancel) -> str:
            self._loop.call_soon_threadsafe(begun.set)
            self.release.wait(PATIENCE)
            return "done"

        task = asyncio.create_task(self.run(work))
        await begun.wait()
        return task

    async def queued(self, work: Callable[[Cancel], _T], cancel: Cancel | None = None) -> asyncio.Task[_T]:
        """A conversion that waits for a slot."""
        before = self.slots.load
        task = asyncio.create_task(self.run(work, cancel))
        while self.slots.load == before:
            await asyncio.sleep(0)
        return task


@asynccontextmanager
async def bench(slots: int = 1, queue: int = 1, cpus: int = 2) -> AsyncIterator[Bench]:
    made = Bench(slots, queue, cpus)
    try:
        async with asyncio.timeout(PATIENCE):
            yield made
    finally:
        made.release.set()
        made.slots.close()


def run(test: Callable[[], Coroutine[None, None, None]]) -> None:
    asyncio.run(test())
