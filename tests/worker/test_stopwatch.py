"""Where the time of a conversion is said to have gone."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from worker.stopwatch import Step, Stopwatch


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def bands(clock: Clock, watch: Stopwatch, *, uploads: float) -> Iterator[int]:
    """Three bands of a second each, the upload awaited before each."""

    def arrive(_: int) -> None:
        clock.now += uploads

    arrived = watch.arriving(arrive)
    for band in range(3):
        arrived(band)
        clock.now += 1
        yield band


@pytest.mark.parametrize("uploads", [0.0, 5.0])
def test_bands_are_decoded_then_encoded_whatever_the_upload_takes(uploads: float) -> None:
    clock = Clock()
    watch = Stopwatch(clock)
    for _ in watch.watched(bands(clock, watch, uploads=uploads)):
        clock.now += 10
    assert watch.steps() == {Step.RECEIVE: 3 * uploads, Step.DECODE: 3.0, Step.ENCODE: 30.0}


def test_what_never_has_bands_is_recoded_or_pillows() -> None:
    clock = Clock()
    watch = Stopwatch(clock)

    def arrive(_: int) -> None:
        clock.now += 2

    watch.arriving(arrive)(100)
    clock.now += 4
    assert watch.steps() == {Step.RECEIVE: 2.0, Step.RECODE: 4.0}
    watch.pillows()
    assert watch.steps() == {Step.RECEIVE: 2.0, Step.PILLOW: 4.0}
