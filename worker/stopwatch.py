"""Where the time of one conversion went."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from enum import StrEnum
from typing import TypeVar

_T = TypeVar("_T")


class Step(StrEnum):
    """What a conversion consists of."""

    RECEIVE = "receive"
    """Waiting for an upload that is converted while it comes in."""
    DECODE = "decode"
    """Decoding and grey, band by band; while steps overlap in threads, the time the encoder waited."""
    ENCODE = "encode"
    RECODE = "recode"
    """JPEG to JPEG without loss, which never has pixels."""
    PILLOW = "pillow"
    """All of it, in a child process."""


class Stopwatch:
    """Begins at once."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._begin = clock()
        self._receiving = 0.0
        self._receiving_bands = 0.0
        self._decoding = 0.0
        self._has_bands = False
        self._is_pillows = False

    def arriving(self, arrived: Callable[[int], None]) -> Callable[[int], None]:
        """The same wait for bytes of the upload; its time is that of receiving."""

        def wait(end: int) -> None:
            begin = self._clock()
            arrived(end)
            waited = self._clock() - begin
            self._receiving += waited
            if self._has_bands:  # it is part of the wait for a band
                self._receiving_bands += waited

        return wait

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
        working = max(total - self._receiving, 0.0)
        steps = {Step.RECEIVE: self._receiving}
        if self._is_pillows:
            return steps | {Step.PILLOW: working}
        if not self._has_bands:
            return steps | {Step.RECODE: working}
        decoding = max(self._decoding - self._receiving_bands, 0.0)
        return steps | {Step.DECODE: decoding, Step.ENCODE: max(working - decoding, 0.0)}
