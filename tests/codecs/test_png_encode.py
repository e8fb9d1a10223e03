"""Our PNG files in strict decoders, and merging stripes of them."""

from __future__ import annotations

import shutil
import subprocess
import zlib
from collections.abc import Callable
from itertools import pairwise

import numpy as np
import pytest
import pyvips
from hypothesis import given
from hypothesis import strategies as st
from support.images import Pixels, joined, opened, photo, pixels

from shared.codecs.picture import Picture, sliced
from shared.codecs.png import merge
from shared.codecs.png.chunks import chunk, parse
from shared.codecs.png.encode import encode
from shared.options import Effort
from shared.problems import MalformedImage


def png(rows: Pixels, effort: Effort = Effort.FAST, metadata: bytes = b"") -> bytearray:
    """Rows of one or two channels as our PNG."""
    picture = Picture(rows.shape[1], rows.shape[0], rows.shape[2], sliced(rows))
    return bytearray(joined(encode(picture, effort, lambda: metadata)))


def part(data: bytearray, width: int, rows: int) -> merge.PngPart:
    return merge.part(memoryview(data), width, rows)


def by_pillow(data: bytes) -> Pixels:
    return np.atleast_3d(pixels(data))


def by_vips(data: bytes) -> Pixels:
    found: Pixels = pyvips.Image.new_from_buffer(data, "", fail_on="warning").numpy()
    return np.atleast_3d(found)


def by_pngcheck(data: bytes) -> Pixels:
    """pngcheck's verdict, with Pillow's pixels."""
    subprocess.run(["pngcheck", "-q"], input=data, check=True, capture_output=True)
    return by_pillow(data)


STRICT = [by_pillow, by_vips] + ([by_pngcheck] if shutil.which("pngcheck") else [])


@pytest.mark.parametrize("decoder", STRICT)
@pytest.mark.parametrize("effort", Effort)
@pytest.mark.parametrize("channels", [1, 2])
def test_strict_decoders_accept_our_files(
    decoder: Callable[[bytes], Pixels], effort: Effort, channels: int
) -> None:
    rows = np.ascontiguousarray(photo(1031, 777, 4)[:, :, -channels:])
    assert np.array_equal(decoder(bytes(png(rows, effort))), rows)


def test_more_effort_makes_smaller_files() -> None:
    rows = photo(1200, 800, 1)
    sizes = [len(png(rows, effort)) for effort in Effort]
    assert sizes == sorted(sizes, reverse=True)
    assert len(set(sizes)) == len(sizes)


@st.composite
def rows_and_cuts(draw: st.DrawFn) -> tuple[Pixels, list[int]]:
    width, height = draw(st.integers(1, 90)), draw(st.integers(1, 90))
    rows = np.ascontiguousarray(photo(width, height, 4)[:, :, -draw(st.sampled_from([1, 2])) :])
    if draw(st.booleans()):
        rows[:] = draw(st.integers(0, 255))
    return rows, sorted({0, height} | set(draw(st.lists(st.integers(1, height), max_size=6))))


@given(rows_and_cuts(), st.sampled_from(Effort))
def test_merged_stripes_decode_to_the_whole(picture: tuple[Pixels, list[int]], effort: Effort) -> None:
    rows, cuts = picture
    width = rows.shape[1]
    parts = [part(png(rows[a:b], effort), width, b - a) for a, b in pairwise(cuts)]
    merged = joined(merge.merge(parts))
    assert np.array_equal(by_pillow(merged), rows)
    assert np.array_equal(by_vips(merged), rows)


def test_merged_bodies_are_the_stripes_bodies() -> None:
    rows = photo(300, 200, 1)
    stripes = [png(rows[:96]), png(rows[96:])]
    pieces = merge.merge([part(stripes[0], 300, 96), part(stripes[1], 300, 104)])
    bodies = [c.raw for stripe in stripes for c in parse(memoryview(stripe)).chunks[1:-1]]
    assert pieces[1:-1] == bodies


@given(st.binary(max_size=999), st.binary(max_size=999))
def test_checksums_combine(first: bytes, second: bytes) -> None:
    combined = merge.adler32_combine(zlib.adler32(first), zlib.adler32(second), len(second))
    assert combined == zlib.adler32(first + second)


def test_checksums_combine_over_gigabytes() -> None:
    block, adler, size = bytes(range(256)) * 4096, 1, 0
    doubled = zlib.adler32(block)
    length = len(block)
    for _ in range(11):
        doubled = merge.adler32_combine(doubled, doubled, length)
        length *= 2
    for _ in range(2**11):
        adler = zlib.adler32(block, adler)
        size += len(block)
    assert (size, adler) == (length, doubled)


def test_a_part_that_is_not_what_was_asked_for_is_refused() -> None:
    rows = photo(64, 48, 1)
    good = png(rows)
    foreign = bytearray(joined([bytes(good[:33]), chunk(b"IDAT", zlib.compress(bytes(65 * 48)))]))
    foreign += chunk(b"IEND", b"")
    for data, width, height in [
        (good, 64, 47),
        (good, 63, 48),
        (good[:-12], 64, 48),
        (good[:50], 64, 48),
        (foreign, 64, 48),
        (bytearray(), 64, 48),
    ]:
        with pytest.raises(MalformedImage):
            part(data, width, height)


def test_grey_does_not_merge_with_grey_and_alpha() -> None:
    rows = photo(64, 48, 4)
    parts = [part(png(np.ascontiguousarray(rows[:, :, :channels])), 64, 48) for channels in (1, 2)]
    with pytest.raises(MalformedImage, match="colour types"):
        merge.merge(parts)


def test_metadata_stands_before_the_pixels() -> None:
    data = png(photo(20, 20, 1), metadata=chunk(b"tEXt", b"Title\0grey"))
    assert opened(bytes(data)).info["Title"] == "grey"
