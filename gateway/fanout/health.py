"""Whether one worker should get work: new, ready, on trial or ejected. It knows of no other worker."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from enum import Enum, StrEnum, auto
from statistics import median

FAILURES_TO_EJECT = 5
GOOD_TO_FORGET = 5
"""Good answers in a row after which earlier ejections no longer count."""
_EJECTION_SECONDS = 10.0
_MAX_EJECTION_SECONDS = 120.0
_LAST = 9
_ENOUGH = 5
"""Attempts that a pace is made of, at most and at least."""


class State(Enum):
    """Of a worker, as one gateway sees it."""

    UNKNOWN = auto()
    """New, or it refused a connection: it gets work once a probe was answered."""
    READY = auto()
    TRIAL = auto()
    """Back from an ejection: it gets one attempt at a time until one went well."""
    EJECTED = auto()


class Ejection(StrEnum):
    """Why a worker was put out."""

    FAILED = "failed"
    BEATEN = "beaten"
    """Its attempts were given up, since hedges were answered first."""
    SLOW = "slow"


@dataclass(slots=True)
class Health:
    """State, failures and pace of a worker."""

    state: State = State.UNKNOWN
    failures: int = 0
    """In a row."""
    good: int = 0
    """Good answers in a row."""
    ejections: int = 0
    ejected_until: float = 0.0
    ratios: deque[float] = field(default_factory=lambda: deque(maxlen=_LAST))
    """Time of its last attempts in units of what such parts usually take."""

    @property
    def pace(self) -> float | None:
        """The median of `ratios`, which a stall now and then does not move; None before enough were seen."""
        return median(self.ratios) if len(self.ratios) >= _ENOUGH else None

    def probed(self) -> None:
        """It answered a probe. Ill workers do that too, so a worker that was ejected is only on trial."""
        if self.state is State.UNKNOWN:
            self.state = State.READY
        elif self.state is State.EJECTED:
            self.state = State.TRIAL
        self.failures = 0

    def answered(self) -> None:
        """An attempt went well."""
        self.failures = 0
        self.good += 1
        if self.state is State.TRIAL:
            self.state = State.READY
        if self.good >= GOOD_TO_FORGET:
            self.ejections = 0

    def failed(self, *, gone: bool) -> bool:
        """An attempt failed; whether the worker deserves to be ejected. `gone`: it refused the connection."""
        self.failures += 1
        self.good = 0
        if gone:
            self.state = State.UNKNOWN
        if self.state is State.READY:
            return self.failures >= FAILURES_TO_EJECT
        return self.state is State.TRIAL

    def eject(self, now: float) -> None:
        """No work for a while, longer each time."""
        self.ejections += 1
        self.state = State.EJECTED
        self.ejected_until = now + min(_EJECTION_SECONDS * self.ejections, _MAX_EJECTION_SECONDS)
        self.failures = self.good = 0
        self.ratios.clear()
