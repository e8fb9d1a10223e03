"""The one grey layout, and merging: merge(split(x)) decodes to x in a decoder we did not write."""

from __future__ import annotations

from itertools import pairwise
from math import ceil

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.images import Pixels, joined, jpeg, opened, photo, pixels

from shared.codecs.jpeg import encode, markers, merge, restarts
from shared.codecs.picture import Picture
from shared.problems import MalformedImage

TABLE = list(range(1, 65))


def stripe(rows: Pixels, encoder: encode.BlockRowEncoder) -> bytearray:
    picture = Picture(rows.shape[1], rows.shape[0], 1, iter([rows]))
    return bytearray(joined(list(encode.encode(picture, encoder))))


def part(data: bytearray, width: int, rows: int) -> merge.JpegPart:
    return merge.part(memoryview(data), width, rows)


@st.composite
def grey_and_cuts(draw: st.DrawFn) -> tuple[Pixels, list[int]]:
    width, height = draw(st.integers(1, 200)), draw(st.integers(1, 300))
    borders = draw(st.lists(st.integers(0, height // 8), max_size=6).map(set))
    cuts = sorted({8 * b for b in borders if 0 < 8 * b < height} | {0, height})
    return photo(width, height, 1), cuts


@given(grey_and_cuts(), st.sampled_from([encode.at_quality(85), encode.with_table(TABLE)]))
def test_stripes_of_any_block_rows_join_to_what_one_encoder_writes(
    picture: tuple[Pixels, list[int]], encoder: encode.BlockRowEncoder
) -> None:
    rows, cuts = picture
    whole = stripe(rows, encoder)
    parts = [part(stripe(rows[a:b], encoder), rows.shape[1], b - a) for a, b in pairwise(cuts)]
    assert joined(merge.merge(parts)) == whole


def test_there_is_one_restart_marker_per_block_row() -> None:
    data = stripe(photo(100, 83, 1), encode.at_quality(90))
    header = markers.parse(memoryview(data))
    ecs = restarts.entropy_segment(memoryview(data), header.ecs_start)
    assert header.restart_interval == ceil(100 / 8)
    assert len(ecs.markers) == ceil(83 / 8) - 1


def test_at_a_quality_the_pixels_are_those_of_one_call() -> None:
    import simplejpeg  # noqa: PLC0415 - the oracle of this test alone

    rows = photo(333, 251, 1)
    at_once = simplejpeg.encode_jpeg(rows, 90, "GRAY")
    assert np.array_equal(pixels(bytes(stripe(rows, encode.at_quality(90)))), pixels(at_once))


@pytest.mark.parametrize("large", [1, 40])
def test_the_sources_own_table_is_written_unchanged(large: int) -> None:
    table = [value * large for value in TABLE]  # over 255: 16-bit tables
    data = stripe(photo(64, 64, 1), encode.with_table(table))
    assert encode.luma_table(markers.parse(memoryview(data))) == table
    assert opened(bytes(data)).size == (64, 64)


def test_a_quality_and_its_table_make_the_same_tables() -> None:
    source = jpeg(photo(64, 64), quality=61)
    table = encode.luma_table(markers.parse(memoryview(source)))
    assert table is not None
    again = stripe(photo(64, 64, 1), encode.with_table(table))
    assert opened(bytes(again)).quantization[0] == opened(source).quantization[0]  # type: ignore[attr-defined]


def test_a_part_that_is_not_what_was_asked_for_is_refused() -> None:
    good = stripe(photo(64, 64, 1), encode.at_quality(90))
    ecs = part(bytearray(good), 64, 64).ecs
    misnumbered = bytearray(good)
    misnumbered[int(ecs.markers[3]) + 1] = 0xD0
    bad: list[tuple[bytes | bytearray, int, int]] = [
        (good, 64, 72),
        (good, 72, 64),
        (good[:-2], 64, 64),
        (good[: len(good) // 2], 64, 64),
        (misnumbered, 64, 64),
        (jpeg(photo(64, 64, 1)), 64, 64),
        (jpeg(photo(64, 64), restart_marker_rows=1), 64, 64),
        (b"", 64, 64),
    ]
    for data, width, rows in bad:
        with pytest.raises(MalformedImage):
            part(bytearray(data), width, rows)


def test_parts_with_different_tables_do_not_merge() -> None:
    parts = [part(stripe(photo(64, 64, 1), encode.at_quality(quality)), 64, 64) for quality in (80, 81)]
    with pytest.raises(MalformedImage, match="tables"):
        merge.merge(parts)
