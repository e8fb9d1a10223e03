"""Where a request's time went: consecutive stages that add up (`Server-Timing`), and its parts."""

from __future__ import annotations

import time
from collections.abc import Sequence

from gateway.fanout.delivery import Delivered

_MAX_PARTS = 64


class Stages:
    """Stages of one request; each begins where the one before ended."""

    def __init__(self) -> None:
        self._begin = self._last = time.monotonic()
        self._stages: list[tuple[str, float]] = []

    @property
    def now(self) -> float:
        """The end of the last stage, on the monotonic clock."""
        return self._last

    @property
    def seconds(self) -> Sequence[tuple[str, float]]:
        """The stages so far: name and length."""
        return self._stages

    @property
    def total(self) -> float:
        """Seconds of all stages."""
        return sum(seconds for _, seconds in self._stages)

    @property
    def elapsed(self) -> float:
        """Seconds since the request began."""
        return time.monotonic() - self._begin

    def end(self, name: str, at: float | None = None) -> None:
        """The stage ends now, or at a moment of the monotonic clock; again, if it had to be done anew."""
        at = time.monotonic() if at is None else max(at, self._last)
        before = self._stages.pop()[1] if self._stages and self._stages[-1][0] == name else 0.0
        self._stages.append((name, before + at - self._last))
        self._last = at

    def end_with(self, last: Delivered[object]) -> None:
        """The three stages of the part that ended last."""
        self.end("send", last.answer.sent)
        self.end("work", last.answer.answered)
        self.end("return", last.answer.ended)

    def header(self) -> str:
        """The `Server-Timing` header, in milliseconds."""
        return ", ".join(f"{name};dur={seconds * 1000:.1f}" for name, seconds in self._stages)


def parts_header(parts: Sequence[Delivered[object]], begin: float) -> str:
    """`X-Grisaille-Parts`: who did what when, in milliseconds since `begin`."""
    return ", ".join(
        f"worker={part.worker}; start={(part.started - begin) * 1000:.1f}; "
        f"end={(part.answer.ended - begin) * 1000:.1f}; "
        f"attempts={part.attempts}; hedged={int(part.hedged)}"
        for part in parts[:_MAX_PARTS]
    )
