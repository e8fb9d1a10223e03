"""Our PNG decoder against Pillow's pixels, and against files that are not what they should be."""

from __future__ import annotations

import zlib
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import pngs, vips
from support.images import (
    Pixels,
    converted,
    encoded,
    grey,
    image,
    photo,
    pixels,
    png,
    verdict,
)
from support.pngs import DEPTHS, filtered

from shared.codecs.formats import Format
from shared.codecs.png.chunks import SIGNATURE, PngHeader, chunk, ihdr, parse
from shared.codecs.png.inflate import Inflater
from shared.codecs.png.kernels import PAETH
from shared.options import Luma, Options
from shared.problems import MalformedImage

AS_PNG = Options(format=Format.PNG)
IEND = chunk(b"IEND", b"")


def as_png(data: bytes, luma: Luma = Luma.BT601) -> bytes:
    return grey(data, replace(AS_PNG, luma=luma))


def assembled(
    stream: bytes, width: int, height: int, colour: int = 2, before: bytes = b"", pieces: int = 1
) -> bytes:
    """A PNG around a zlib stream, cut into IDATs."""
    size = max(-(-len(stream) // pieces), 1)
    idat = b"".join(chunk(b"IDAT", stream[i : i + size]) for i in range(0, len(stream), size))
    head = ihdr(PngHeader(width, height, 8, colour, interlaced=False))
    return head + before + idat + IEND


@st.composite
def pictures(draw: st.DrawFn) -> tuple[Pixels, int]:
    """Random pixels and their PNG colour type."""
    colour, channels = draw(st.sampled_from([(0, 1), (4, 2), (2, 3), (6, 4)]))
    shape = (draw(st.integers(1, 70)), draw(st.integers(1, 20) | st.integers(250, 600)), channels)
    seed = draw(st.integers(0, 2**32 - 1))
    return np.random.default_rng(seed).integers(0, 256, shape, np.uint8), colour


@given(pictures(), st.lists(st.integers(0, PAETH), min_size=1, max_size=7), st.integers(1, 9))
def test_every_filter_and_colour_type_gives_pillows_pixels(
    picture: tuple[Pixels, int], kinds: list[int], pieces: int
) -> None:
    rows, colour = picture
    stream = zlib.compress(filtered(rows, kinds))
    data = assembled(stream, rows.shape[1], rows.shape[0], colour, pieces=pieces)
    assert np.array_equal(pixels(data), rows.squeeze(2) if rows.shape[2] == 1 else rows)
    assert np.array_equal(pixels(grey(data, AS_PNG)), converted(data))


@pytest.mark.parametrize("width", [1, 2, 3, 257])
@pytest.mark.parametrize(("colour", "channels"), [(0, 1), (4, 2), (2, 3), (6, 4)])
def test_narrow_and_odd_pictures_have_the_rows_they_should(width: int, colour: int, channels: int) -> None:
    rows = np.random.default_rng(width).integers(0, 256, (35, width, channels), np.uint8)
    data = assembled(zlib.compress(filtered(rows, range(5))), width, 35, colour)
    result = grey(data, AS_PNG)
    assert len(zlib.decompress(b"".join(c.data for c in parse(memoryview(result)).idat))) == 35 * (
        1 + width * (2 - channels % 2)
    )
    assert np.array_equal(pixels(result), converted(data))


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_pictures_of_many_bands_give_pillows_pixels(channels: int) -> None:
    data = png(photo(1100, 1300, channels))
    assert np.array_equal(pixels(grey(data, AS_PNG)), converted(data))


def test_a_palette_gives_pillows_pixels() -> None:
    data = encoded(image(photo(300, 200)).quantize(77), "PNG")
    assert np.array_equal(pixels(grey(data, AS_PNG)), converted(data))


@pytest.mark.parametrize("luma", Luma)
@pytest.mark.parametrize("interlaced", [False, True])
@pytest.mark.parametrize(
    ("colour", "depth"), [(kind, depth) for kind, depths in DEPTHS.items() for depth in depths]
)
def test_every_kind_and_size_is_what_libvips_reads(
    colour: int, depth: int, luma: Luma, *, interlaced: bool
) -> None:
    for width, height, key in [(1, 1, False), (5, 3, True), (33, 9, False), (70, 35, True)]:
        data = pngs.any_kind(width, height, colour, depth, interlaced=interlaced, transparent=key)
        result = vips.decoded(as_png(data, luma))
        assert vips.differ(result, vips.right(data, luma)) <= (luma is Luma.LINEAR), (width, height, key)


ROWS = photo(16, 12)
GOOD = zlib.compress(filtered(ROWS, [0]))
PALETTE = chunk(b"PLTE", bytes(range(12)))


def broken_adler() -> bytes:
    return GOOD[:-1] + bytes([GOOD[-1] ^ 1])


def preset_dictionary() -> bytes:
    packer = zlib.compressobj(zdict=b"abc")
    return packer.compress(filtered(ROWS, [0])) + packer.flush()


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(assembled(GOOD, 16, 12)[: -len(IEND)], id="no IEND"),
        pytest.param(assembled(GOOD, 16, 12)[:-20], id="half a chunk"),
        pytest.param(assembled(GOOD, 16, 12).replace(GOOD[:9], bytes(9)), id="wrong CRC of IDAT"),
        pytest.param(assembled(broken_adler(), 16, 12), id="wrong Adler"),
        pytest.param(assembled(GOOD[:-6], 16, 12), id="stream without its end"),
        pytest.param(assembled(zlib.compress(filtered(ROWS[:-1], [0])), 16, 12), id="one row too few"),
        pytest.param(assembled(zlib.compress(filtered(ROWS, [0]) + b"\0"), 16, 12), id="one byte too many"),
        pytest.param(assembled(zlib.compress(b"\5" + filtered(ROWS, [0])[1:]), 16, 12), id="filter type 5"),
        pytest.param(assembled(preset_dictionary(), 16, 12), id="preset dictionary"),
        pytest.param(assembled(b"hello, this is not a zlib stream", 16, 12), id="not zlib"),
        pytest.param(
            assembled(GOOD, 16, 12).replace(chunk(b"IDAT", GOOD), chunk(b"IDAT", b"")), id="empty IDAT"
        ),
        pytest.param(SIGNATURE + assembled(GOOD, 16, 12)[8:33] + IEND, id="no IDAT"),
        pytest.param(SIGNATURE + assembled(GOOD, 16, 12)[33:], id="no IHDR"),
        pytest.param(SIGNATURE + assembled(GOOD, 16, 12)[8:33] + assembled(GOOD, 16, 12)[8:], id="two IHDR"),
        pytest.param(
            assembled(GOOD, 16, 12)[:33]
            + chunk(b"IDAT", GOOD[:9])
            + chunk(b"tEXt", b"a\0b")
            + chunk(b"IDAT", GOOD[9:])
            + IEND,
            id="IDATs apart",
        ),
        pytest.param(assembled(GOOD, 16, 12, before=chunk(b"ABCD", b"")), id="unknown critical chunk"),
        pytest.param(assembled(zlib.compress(filtered(ROWS[:, :, :1], [0])), 16, 12, 3), id="no palette"),
        pytest.param(
            assembled(zlib.compress(filtered(ROWS[:, :, :1], [0])), 16, 12, 3, PALETTE),
            id="pixel beyond the palette",
        ),
        pytest.param(assembled(GOOD, 16, 12, before=chunk(b"PLTE", bytes(13))), id="palette of 13 bytes"),
        pytest.param(assembled(GOOD, 16, 12, before=chunk(b"PLTE", bytes(771))), id="palette of 257"),
        pytest.param(assembled(GOOD, 0, 12), id="width 0"),
        pytest.param(assembled(GOOD, 16, 12, 5), id="colour type 5"),
    ],
)
def test_broken_files_are_malformed(data: bytes) -> None:
    with pytest.raises(MalformedImage):
        grey(data, AS_PNG)


def test_an_ancillary_chunk_with_a_wrong_crc_is_dropped() -> None:
    text = bytearray(chunk(b"tEXt", b"Comment\0hello"))
    text[-1] ^= 1
    data = assembled(GOOD, 16, 12, before=bytes(text))
    assert not parse(memoryview(data)).ancillary
    assert np.array_equal(pixels(grey(data, AS_PNG)), converted(assembled(GOOD, 16, 12)))


def test_empty_idats_among_others_are_legal() -> None:
    data = assembled(GOOD, 16, 12).replace(IEND, chunk(b"IDAT", b"") + IEND)
    assert np.array_equal(pixels(grey(data, AS_PNG)), converted(data))


@given(st.binary(max_size=200))
def test_any_bytes_are_converted_or_refused(data: bytes) -> None:
    for candidate in (SIGNATURE + data, assembled(data, 16, 12), assembled(GOOD, 16, 12) + data):
        assert verdict(as_png, candidate) in {200, 415, 422}


@given(st.data())
def test_any_flipped_bit_is_refused_or_does_not_matter(data: st.DataObject) -> None:
    plain = png(photo(40, 30))
    bit = data.draw(st.integers(0, 8 * len(plain) - 1))
    damaged = bytearray(plain)
    damaged[bit // 8] ^= 1 << bit % 8
    status = verdict(as_png, bytes(damaged))
    assert status in {200, 415, 422}
    if status == 200:
        assert np.array_equal(pixels(as_png(bytes(damaged))), converted(plain))


@given(st.binary(max_size=3000), st.lists(st.integers(0, 700), max_size=8), st.integers(1, 12))
def test_inflating_in_pieces_gives_the_whole(data: bytes, sizes: list[int], pieces: int) -> None:
    packed = zlib.compress(data)
    size = -(-len(packed) // pieces)
    inflater = Inflater(memoryview(packed)[i : i + size] for i in range(0, len(packed), size))
    read = b""
    for wanted in sizes:
        read += b"".join(inflater.read(min(wanted, len(data) - len(read))))
    read += b"".join(inflater.read(len(data) - len(read)))
    inflater.finish()
    assert read == data


def test_a_bomb_is_inflated_no_further_than_the_picture_is_large() -> None:
    bomb = assembled(zlib.compress(bytes(50_000_000), 9), 16, 12)
    with pytest.raises(MalformedImage, match="goes on"):
        grey(bomb, AS_PNG)
