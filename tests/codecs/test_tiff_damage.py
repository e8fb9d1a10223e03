"""Damage inside strips and tiles that libtiff passes over, and oddities of writers that it rightly takes."""

from __future__ import annotations

import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.images import Pixels, converted, encoded, grey, image, photo, pixels, verdict
from support.tiffs import HEIGHT, WIDTH, built, by_libvips, cuts_of, deep

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
