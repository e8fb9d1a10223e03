"""A bounded executor: so many conversions at a time, so many waiting, the rest refused at once."""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from shared.problems import DeadlineExceeded, Overloaded
from worker.metrics import WorkerMetrics

_T = TypeVar("_T")


class CancelledByClientError(Exception):
    """The client went away; nobody is left to answer."""


class Cancel:
    """A flag that a conversion looks at before every band, and the deadline it must keep."""

    def __init__(self, seconds: float) -> None:
        self._deadline = time.monotonic() + seconds
        self._gone = threading.Event()

    def client_gone(self) -> None:
        """Nobody waits for the result any more."""
        self._gone.set()

    @property
    def seconds_left(self) -> float:
        """Until the deadline; negative when it is past."""
        return self._deadline - time.monotonic()

    def check(self) -> None:
        """Raise if the work is in vain."""
        if self._gone.is_set():
            raise CancelledByClientError
        if self.seconds_left < 0:
            raise DeadlineExceeded("the deadline passed while the image was converted")


class Slots:
    """Slots and their queue. All methods belong to the event loop."""

    def __init__(self, slots: int, queue: int, metrics: WorkerMetrics, cpus: int) -> None:
        self._slots = slots
        self._cpus = cpus
        self._queue = queue
        self._admitted = 0
        self._running = 0
        self._free = asyncio.Semaphore(slots)
        self._executor = ThreadPoolExecutor(slots, thread_name_prefix="slot")
        self._metrics = metrics
        metrics.slots.set(slots)

    @property
    def load(self) -> str:
        """``running/slots/queued``."""
        return f"{self._running}/{self._slots}/{self._admitted - self._running}"

    @property
    def is_alone(self) -> bool:
        """Whether a conversion has the worker to itself."""
        return self._admitted <= 1

    @property
    def may_overlap(self) -> bool:
        """Whether a conversion may use several threads: alone, and with more than one CPU for them.

        On less than one they only push each other out of its caches (measured: 40 % more time).
        """
        return self.is_alone and self._cpus > 1

    @property
    def has_spare(self) -> bool:
        """Whether a slot, and so a CPU, has nothing to do."""
        return self._admitted < self._slots

    @contextlib.asynccontextmanager
    async def admitted(self) -> AsyncGenerator[None]:
        """A place in a slot or in the queue; `Overloaded` if there is none."""
        if self._admitted >= self._slots + self._queue:
            raise Overloaded(
                f"{self._slots} slots and a queue of {self._queue} are full (setting GRISAILLE_QUEUE)",
                limit=self._slots + self._queue,
                actual=self._admitted + 1,
                setting="GRISAILLE_QUEUE",
            )
        self._admitted += 1
        self._tell()
        try:
            yield
        finally:
            self._admitted -= 1
            self._tell()

    def _tell(self) -> None:
        self._metrics.running.set(self._running)
        self._metrics.queued.set(self._admitted - self._running)

    async def run(
        self, work: Callable[[Cancel], _T], cancel: Cancel, gone: Callable[[], Awaitable[None]]
    ) -> _T:
        """The result of `work` in a slot; cancelled through its flag when `gone` returns first."""
        watcher = asyncio.ensure_future(_flag_when(gone, cancel))
        waited = time.monotonic()
        try:
            async with self._turn(watcher, cancel):
                self._metrics.queue_seconds.observe(time.monotonic() - waited)
                cancel.check()
                return await self._in_slot(work, cancel)
        finally:
            watcher.cancel()
            cancel.client_gone()  # should this task be cancelled, its thread ends with it

    @contextlib.asynccontextmanager
    async def _turn(self, watcher: asyncio.Future[None], cancel: Cancel) -> AsyncGenerator[None]:
        """A slot, in the order of asking; raises as `cancel.check` as soon as the work is in vain."""
        free = asyncio.ensure_future(self._free.acquire())
        try:
            while not free.done():
                left = max(cancel.seconds_left, 0)
                await asyncio.wait((free, watcher), timeout=left, return_when=asyncio.FIRST_COMPLETED)
                if not free.done():
                    cancel.check()
            yield
        finally:
            if not free.cancel():
                self._free.release()

    async def _in_slot(self, work: Callable[[Cancel], _T], cancel: Cancel) -> _T:
        self._running += 1
        self._tell()
        started = time.monotonic()
        try:
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(self._executor, work, cancel)
        finally:
            self._running -= 1
            self._tell()
            self._metrics.conversion_seconds.observe(time.monotonic() - started)

    def close(self) -> None:
        """Wait for what runs and end the threads."""
        self._executor.shutdown()


async def _flag_when(gone: Callable[[], Awaitable[None]], cancel: Cancel) -> None:
    await gone()
    cancel.client_gone()
