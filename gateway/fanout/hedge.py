"""A second attempt for a part whose first is late (Dean and Barroso, The Tail at Scale, CACM 2013)."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from math import ceil
from typing import TypeVar

_T = TypeVar("_T")
_SAMPLES = 128
_ENOUGH = 20
_PERCENTILE = 0.95


class Lateness:
    """When an attempt counts as late: at the 95th percentile of recent ones of about its size."""

    def __init__(self) -> None:
        self._seconds: dict[int, deque[float]] = {}

    def add(self, pixels: int, seconds: float) -> None:
        """An attempt on so many pixels took so long."""
        self._seconds.setdefault(pixels.bit_length(), deque(maxlen=_SAMPLES)).append(seconds)

    def after(self, pixels: int) -> float | None:
        """Seconds after which an attempt of this size is late; None before enough were seen."""
        seen = sorted(self._seconds.get(pixels.bit_length(), ()))
        return seen[ceil(len(seen) * _PERCENTILE) - 1] if len(seen) >= _ENOUGH else None


async def hedged(
    first: Callable[[], Awaitable[_T]],
    second: Callable[[], Awaitable[_T] | None],
    delay: float | None,
) -> _T:
    """The first good answer of two attempts, the second begun after `delay` seconds (None: never).

    `second` returns None where no hedge is allowed. An error never beats an answer that may still
    come; if both fail the first's error is raised. What has not ended is cancelled.
    """
    main = asyncio.ensure_future(first())
    tasks = [main]
    try:
        if delay is not None:
            await asyncio.wait(tasks, timeout=delay)
            other = None if main.done() else second()
            if other is not None:
                tasks.append(asyncio.ensure_future(other))
        pending = set(tasks)
        while pending:
            done, pending = await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                if not task.cancelled() and task.exception() is None:
                    return task.result()
        return await main
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
