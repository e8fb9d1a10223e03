"""Where the gateway's own work is done: on the event loop if it is next to nothing, else in a thread."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor
from typing import TypeVar

_T = TypeVar("_T")
_LARGE = 1 << 19
"""Bytes that take longer to look through than a hand-over to a thread and back, a fifth of a millisecond."""


class Offload:
    """Runs work of the gateway without holding up its event loop."""

    def __init__(self, executor: Executor) -> None:
        self._executor = executor

    async def __call__(self, work: Callable[[], _T], size: int = _LARGE) -> _T:
        """The result of `work`, which looks at `size` bytes once or takes longer than that."""
        if size < _LARGE:
            return work()
        return await asyncio.get_running_loop().run_in_executor(self._executor, work)
