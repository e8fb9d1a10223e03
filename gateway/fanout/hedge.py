"""A second attempt for a part whose first is late (Dean and Barroso, The Tail at Scale, CACM 2013)."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Hashable
from math import ceil
from typing import TypeVar

_T = TypeVar("_T")
_SAMPLES = 128
_ENOUGH = 20
_PERCENTILE = 0.95


class Lateness:
    """When an attempt counts as late: at the 95th percentile of recent ones of its kind and size."""

    def __init__(self) -> None:
        self._seconds: dict[tuple[Hashable, int], deque[float]] = {}

    def add(self, kind: Hashable, pixels: int, seconds: float) -> None:
        """An attempt of this kind on so many pixels took so long."""
        self._seconds.setdefault((kind, pixels.bit_length()), deque(maxlen=_SAMPLES)).append(seconds)

    def after(self, kind: Hashable, pixels: int) -> float | None:
        """Seconds after which such an attempt is late; None before enough were seen."""
        return self._percentile(kind, pixels, _PERCENTILE)

    def usual(self, kind: Hashable, pixels: int) -> float | None:
        """Seconds that half of such attempts stay under; None before enough were seen."""
        return self._percentile(kind, pixels, 0.5)

    def _percentile(self, kind: Hashable, pixels: int, share: float) -> float | None:
        seen = sorted(self._seconds.get((kind, pixels.bit_length()), ()))
        return seen[ceil(len(seen) * share) - 1] if len(seen) >= _ENOUGH else None


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
