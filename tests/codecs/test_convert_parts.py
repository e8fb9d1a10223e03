"""`grey` of parts and of some rows, cancelled, and with its stages overlapped."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
from support.images import LIMITS, grey, jpeg, opened, photo, pixels, png, unpacked
from support.pngs import any_kind

from shared.codecs import convert
from shared.codecs.formats import Format
from shared.codecs.picture import Band
from shared.options import Luma, Options
from shared.problems import InvalidOption, MalformedImage, Overloaded

AS_PNG = Options(format=Format.PNG)


def test_a_whole_image_and_a_part_differ_in_metadata_alone() -> None:
    data = jpeg(photo(64, 48), dpi=(300, 300), comment=b"hello")
    part = grey(data, replace(AS_PNG, part=True))
    assert "dpi" not in opened(part).info
    assert np.array_equal(pixels(part), pixels(grey(data, AS_PNG)))


@pytest.mark.parametrize(("first", "count"), [(0, 64), (8, 40), (16, 1), (48, 16)])
@pytest.mark.parametrize("luma", Luma)
@pytest.mark.parametrize("progressive", [False, True])
def test_rows_keeps_these_rows(first: int, count: int, luma: Luma, *, progressive: bool) -> None:
    data = jpeg(photo(100, 64), subsampling="4:2:0", progressive=progressive)
    whole = pixels(grey(data, Options(format=Format.PNG, luma=luma)))
    kept = pixels(grey(data, Options(format=Format.PNG, luma=luma, rows=(first, count))))
    assert np.array_equal(kept, whole[first : first + count])


def test_rows_outside_the_image_or_of_other_formats_are_refused() -> None:
    for data in (jpeg(photo(64, 64)), png(photo(64, 64))):
        with pytest.raises(InvalidOption):
            grey(data, replace(AS_PNG, rows=(64, 8)))
    with pytest.raises(InvalidOption):
        grey(png(photo(64, 64)), replace(AS_PNG, rows=(0, 8)))


def test_cancelling_ends_the_work_between_bands() -> None:
    calls = []

    def check() -> None:
        calls.append(1)
        if len(calls) == 2:
            raise Overloaded("stop")

    data = png(photo(1000, 4000))
    with pytest.raises(Overloaded):
        convert.grey(memoryview(data), AS_PNG, LIMITS, check=check)
    assert len(calls) == 2


def test_cancelling_ends_an_interlaced_picture_between_its_passes() -> None:
    calls, seen = [], []

    def check() -> None:
        calls.append(1)
        if len(calls) == 7:
            raise Overloaded("stop")

    def watched(bands: Iterator[Band]) -> Iterator[Band]:
        for band in bands:
            seen.append(band)
            yield band

    data = any_kind(300, 200, 2, 8, interlaced=True, transparent=False)
    with pytest.raises(Overloaded):
        convert.grey(memoryview(data), AS_PNG, LIMITS, check=check, watched=watched)
    assert seen == []


def test_overlapping_the_stages_changes_nothing() -> None:
    data = png(photo(1000, 2000, 4))
    overlapped = convert.grey(memoryview(data), AS_PNG, LIMITS, overlap=True)
    assert unpacked(b"".join(overlapped.pieces)) == unpacked(grey(data, AS_PNG))


def test_overlapping_reports_damage_all_the_same() -> None:
    data = bytearray(png(photo(1000, 2000)))
    data[len(data) // 2] ^= 1
    with pytest.raises(MalformedImage):
        convert.grey(memoryview(data), AS_PNG, LIMITS, overlap=True)
