"""Damage inside strips and tiles that libtiff passes over, and oddities of writers that it rightly takes."""

from __future__ import annotations

import lzma
import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from support.images import Pixels, converted, encoded, grey, image, jpeg, opened, photo, pixels, verdict
from support.tiffs import HEIGHT, WIDTH, built, by_libvips, by_stripes, cuts_of, deep

from shared.codecs.formats import Format
from shared.options import Options

AS_PNG = Options(format=Format.PNG)
PICTURE = photo(WIDTH, HEIGHT)
ROWS = 16
DEFLATED = {
    "strips": by_libvips(PICTURE, compression="deflate", predictor="horizontal"),
    "tiles": by_libvips(PICTURE, compression="deflate", tile=True, tile_width=64, tile_height=48),
    "16 bits": by_libvips(deep(3), compression="deflate"),
    "subsampled": encoded(image(PICTURE).convert("YCbCr"), "TIFF", compression="tiff_adobe_deflate"),
}


def status(data: bytes) -> int:
    return verdict(lambda file: grey(file, AS_PNG), data)


@given(name=st.sampled_from(sorted(DEFLATED)), place=st.floats(0, 1, exclude_max=True), bit=st.integers(0, 7))
def test_no_bit_of_a_deflated_strip_flips_unnoticed(name: str, place: float, bit: int) -> None:
    where = cuts_of(DEFLATED[name])
    sizes = where.sizes.ravel()
    at = int(place * sizes.sum())
    piece = int(np.searchsorted(np.cumsum(sizes), at, "right"))
    damaged = bytearray(DEFLATED[name])
    damaged[int(where.offsets.flat[piece]) + at - int(sizes[:piece].sum())] ^= 1 << bit
    assert status(bytes(damaged)) == 422


@pytest.mark.parametrize("name", DEFLATED)
def test_a_wrong_checksum_of_any_strip_is_refused(name: str) -> None:
    """Which libtiff sees in some and not in others."""
    where = cuts_of(DEFLATED[name])
    for end in (where.offsets + where.sizes).flat:
        damaged = bytearray(DEFLATED[name])
        damaged[int(end) - 1] ^= 1
        assert status(bytes(damaged)) == 422


def by_strips(compression: int, strips: list[bytes], *more: tuple[int, int]) -> bytes:
    """A file of `PICTURE`, in strips of 16 rows that are compressed already."""
    tags = {256: (4, [WIDTH]), 257: (4, [HEIGHT]), 258: (3, [8, 8, 8]), 277: (3, [3]), 278: (4, [ROWS])}
    tags |= {259: (3, [compression]), 262: (3, [2]), **{tag: (3, [number]) for tag, number in more}}
    return built(tags, strips)


def raw_strips(picture: Pixels) -> list[bytes]:
    return [picture[row : row + ROWS].tobytes() for row in range(0, len(picture), ROWS)]


def packed(strip: bytes) -> bytes:
    """PackBits of runs of two, and of single bytes as they stand."""
    pairs = (strip[i : i + 2] for i in range(0, len(strip), 2))
    return b"".join(
        b"\xff" + pair[:1] if len(set(pair)) < len(pair) else bytes([len(pair) - 1]) + pair for pair in pairs
    )


def turned(strip: bytes) -> bytes:
    """Every byte with its lowest bit first."""
    return np.packbits(np.unpackbits(np.frombuffer(strip, np.uint8), bitorder="little")).tobytes()


PADDED = np.concatenate([PICTURE, np.zeros((-HEIGHT % ROWS, WIDTH, 3), np.uint8)])
ODDITIES = {
    "a last strip as long as the others": by_strips(8, [zlib.compress(s) for s in raw_strips(PADDED)]),
    "the same in PackBits": by_strips(32773, [packed(s) for s in raw_strips(PADDED)]),
    "the old number of deflate": by_strips(32946, [zlib.compress(s) for s in raw_strips(PICTURE)]),
    "low bits first": by_strips(8, [turned(zlib.compress(s)) for s in raw_strips(PICTURE)], (266, 2)),
    "PackBits, low bits first": by_strips(32773, [turned(packed(s)) for s in raw_strips(PICTURE)], (266, 2)),
    "a byte behind a stream": by_strips(8, [zlib.compress(s) + b"\0" for s in raw_strips(PICTURE)]),
    "a byte behind PackBits": by_strips(32773, [packed(s) + b"\0" for s in raw_strips(PICTURE)]),
    "PackBits that do nothing": by_strips(32773, [b"\x80" + packed(s) for s in raw_strips(PICTURE)]),
}


@pytest.mark.parametrize("name", ODDITIES)
def test_oddities_of_writers_are_no_damage(name: str) -> None:
    wanted = converted(encoded(image(PICTURE), "PNG"))
    assert np.array_equal(pixels(grey(ODDITIES[name], AS_PNG)), wanted)


def test_tags_that_every_stripe_would_carry_are_no_longer_than_any_decoder_needs() -> None:
    tags = {256: (4, [WIDTH]), 257: (4, [HEIGHT]), 258: (3, [8, 8, 8]), 277: (3, [3]), 278: (4, [ROWS])}
    tags |= {259: (3, [1]), 262: (3, [2])}
    palette, endless = (3, [0] * (3 << 16)), (3, [0] * (1 << 20))
    assert status(built(tags | {320: palette}, raw_strips(PICTURE))) == 200
    assert status(built(tags | {320: endless}, raw_strips(PICTURE))) == 422


@pytest.mark.parametrize(("compression", "compress"), [(8, zlib.compress), (32773, packed)])
@pytest.mark.parametrize("change", [-3, 3, 1 << 20], ids=["short", "long", "bomb"])
def test_strips_of_another_size_are_refused(compression: int, compress: object, change: int) -> None:
    assert callable(compress)
    strips = raw_strips(PICTURE)
    strips[2] = strips[2][:change] if change < 0 else strips[2] + bytes(change)
    assert status(by_strips(compression, [compress(s) for s in strips])) == 422


def of_jpegs(jpegs: list[bytes], photometric: int = 1) -> bytes:
    """A file of `SMALL`, in strips of 16 rows that are JPEG files."""
    samples = 1 if photometric == 1 else 3
    tags = {256: (4, [64]), 257: (4, [64]), 258: (3, [8] * samples), 259: (3, [7]), 262: (3, [photometric])}
    return built(tags | {277: (3, [samples]), 278: (4, [ROWS])}, jpegs)


SMALL = photo(64, 64)
LUMA, COLOUR, COARSE = (
    [jpeg(picture[row : row + ROWS], quality=90, subsampling=chroma) for row in range(0, 64, ROWS)]
    for picture, chroma in ((SMALL[:, :, :1], 0), (SMALL, 0), (SMALL, 2))
)


def without(marker: int, file: bytes) -> bytes:
    """A JPEG without its segments of a kind."""
    kept, at = file[:2], 2
    while file[at + 1] != 0xDA:
        end = at + 2 + int.from_bytes(file[at + 2 : at + 4], "big")
        kept += file[at:end] if file[at + 1] != marker else b""
        at = end
    return kept + file[at:]


OTHERS = {
    "too low": (1, LUMA, jpeg(SMALL[:8, :, :1])),
    "too narrow": (1, LUMA, jpeg(SMALL[:16, :40, :1])),
    "without quantisation": (1, LUMA, without(0xDB, LUMA[1])),
    "in colour": (1, LUMA, COLOUR[1]),
}


@pytest.mark.parametrize("place", range(4))
@pytest.mark.parametrize("name", OTHERS)
def test_a_jpeg_that_does_not_fit_is_refused_wherever_it_stands(name: str, place: int) -> None:
    photometric, jpegs, other = OTHERS[name]
    assert status(of_jpegs(jpegs, photometric)) == 200
    data = of_jpegs([*jpegs[:place], other, *jpegs[place + 1 :]], photometric)
    for count in (1, 2, 3, 4):
        assert by_stripes(data, count, AS_PNG) == 422


@pytest.mark.parametrize("place", range(4))
def test_chroma_of_its_own_in_a_strip_is_the_same_however_the_picture_is_cut(place: int) -> None:
    data = of_jpegs([*COLOUR[:place], COARSE[place], *COLOUR[place + 1 :]], photometric=6)
    whole = by_stripes(data, 1, AS_PNG)
    for count in (2, 3, 4):
        assert np.array_equal(by_stripes(data, count, AS_PNG), whole)


def chroma_of_four(picture: Image.Image) -> list[bytes]:
    """Strips of 16 rows: four of Y, then Cb and Cr, for every 2 x 2 pixels (TIFF 6.0 section 21)."""
    planes = np.asarray(picture.convert("YCbCr"))
    blocks = planes[:, :, 0].reshape(32, 2, 32, 2).swapaxes(1, 2).reshape(32, 32, 4)
    units = np.concatenate([blocks, planes[::2, ::2, 1:]], axis=2)
    return [units[row : row + 8].tobytes() for row in range(0, 32, 8)]


def test_strips_of_ycbcr_without_checksums_are_whole_or_refused() -> None:
    """libtiff's way to make colours of them takes what is too short, for black."""
    tags = {
        256: (4, [64]),
        257: (4, [64]),
        258: (3, [8] * 3),
        259: (3, [34925]),
        262: (3, [6]),
        277: (3, [3]),
    }
    tags |= {278: (4, [ROWS]), 530: (3, [2, 2])}
    strips = chroma_of_four(image(SMALL))
    whole = built(tags, [lzma.compress(strip) for strip in strips])
    assert np.array_equal(pixels(grey(whole, AS_PNG)), np.asarray(opened(whole).convert("RGB").convert("L")))
    for place in range(4):
        short = [strip[: -1 if i == place else None] for i, strip in enumerate(strips)]
        data = built(tags, [lzma.compress(strip) for strip in short])
        for count in (1, 2, 4):
            assert by_stripes(data, count, AS_PNG) == 422
