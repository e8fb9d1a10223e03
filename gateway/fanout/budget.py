"""Extra attempts in proportion to first ones: so that retries cannot multiply an overload.

Two parts of the allowance: a ratio of the attempts made, and so many a second in any case.
"""

from __future__ import annotations

from collections.abc import Callable

_MOST = 100.0
"""Tokens that can be saved up: what a long calm is worth when a storm begins."""


class Budget:
    """A token bucket: every first attempt deposits `ratio`; time fills it up to `per_second`."""

    def __init__(self, ratio: float, per_second: float, clock: Callable[[], float]) -> None:
        self._ratio = ratio
        self._per_second = per_second
        self._clock = clock
        self._tokens = per_second
        self._updated = clock()

    def deposit(self) -> None:
        """A first attempt was made."""
        self._tokens = max(self._tokens, min(self._tokens + self._ratio, _MOST))

    def withdraw(self) -> bool:
        """Take one extra attempt; False if there is none to take."""
        now = self._clock()
        elapsed, self._updated = now - self._updated, now
        room = max(self._per_second, 1.0)  # a whole token, however slowly it comes
        if self._tokens < room:
            self._tokens = min(self._tokens + elapsed * self._per_second, room)
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True
