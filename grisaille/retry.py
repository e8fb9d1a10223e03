"""When to ask again: soon at first, then ever later, and not for ever. Knows no HTTP and no clock."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from grisaille.errors import GrisailleError

_JITTER = 0.5
"""Pauses differ by up to this share, so that clients that failed together do not come back together."""


@dataclass(frozen=True, slots=True)
class Retry:
    """How long to go on: no try begins later than `seconds` after the first one failed; 0 is one try."""

    seconds: float = 60.0
    first_pause: float = 0.1
    longest_pause: float = 5.0


class Tries:
    """Of one conversion."""

    def __init__(self, retry: Retry, clock: Callable[[], float], random: Callable[[], float]) -> None:
        """`clock` gives seconds, `random` a number in [0, 1)."""
        self._retry = retry
        self._clock = clock
        self._random = random
        self._pause = retry.first_pause
        self._end: float | None = None
        self.count = 0
        """How many have failed."""

    def pause(self, error: GrisailleError) -> float:
        """Seconds to wait before the next try; raises the error if there should be none."""
        now = self._clock()
        self._end = now + self._retry.seconds if self._end is None else self._end
        self.count += 1
        spread = _JITTER * self._random()
        pause = max(self._pause * (1 - spread), error.retry_after * (1 + spread))
        self._pause = min(2 * self._pause, self._retry.longest_pause)
        if not error.is_temporary or now + pause > self._end:
            raise error
        return pause
