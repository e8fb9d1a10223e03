"""Where the time of one conversion went."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from enum import StrEnum
from typing import TypeVar

_T = TypeVar("_T")


class Step(StrEnum):
    """What a conversion consists of."""

    DECODE = "decode"
    """Decoding and grey, band by band; while stages overlap, the time the encoder waited for bands."""
    ENCODE = "encode"
    RECODE = "recode"
    """JPEG to JPEG without loss, which never has pixels."""
    PILLOW = "pillow"
    """All of it, in a child process."""


class Stopwatch:
    """Begins at once. Used in one thread."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._begin = clock()
        self._decoding = 0.0
        self._has_bands = False
        self._is_pillows = False

    def watched(self, bands: Iterator[_T]) -> Iterator[_T]:
        """The same bands; the time they are awaited is that of decoding."""
        self._has_bands = True
        while True:
            asked = self._clock()
            band = next(bands, None)
            self._decoding += self._clock() - asked
            if band is None:
                return
            yield band

    def pillows(self) -> None:
        """Pillow does it all."""
        self._is_pillows = True

    def steps(self) -> dict[Step, float]:
        """Seconds of each step that there was, up to now."""
        total = self._clock() - self._begin
        if self._is_pillows:
            return {Step.PILLOW: total}
        if not self._has_bands:
            return {Step.RECODE: total}
        return {Step.DECODE: self._decoding, Step.ENCODE: total - self._decoding}
