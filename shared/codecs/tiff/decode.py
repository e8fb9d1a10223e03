"""Pixels of a TIFF, band by band: the same split as the gateway's, one band after another, read by Pillow.

libtiff meets untrusted bytes here, so a worker runs this in a child process (`worker.child`).
"""

from __future__ import annotations

from collections.abc import Iterator
from math import ceil

from shared.codecs import pillow
from shared.codecs.formats import Format
from shared.codecs.picture import BAND_BYTES, Band, Picture, sliced
from shared.codecs.tiff.split import Cuts, stripes
from shared.options import Luma
from shared.problems import MalformedImage


def grey(data: memoryview, where: Cuts, luma: Luma) -> Picture:
    """The picture in grey; with alpha where it has any.

    Raises `MalformedImage` or `UnsupportedFormat`, some of it while its bands are read.
    """
    bands = _bands(data, where, luma)
    first = next(bands)
    return Picture(where.tiff.width, where.tiff.height, first.shape[2], _from(first, bands))


def _from(first: Band, rest: Iterator[Band]) -> Iterator[Band]:
    yield first
    yield from rest


def _bands(data: memoryview, where: Cuts, luma: Luma) -> Iterator[Band]:
    per_band = max(BAND_BYTES // (where.unit_rows * where.tiff.width), 1)
    for stripe in stripes(data, where, ceil(where.units / per_band)):
        pixels = pillow.grey_pixels(b"".join(stripe.pieces), Format.TIFF, luma)
        if pixels.shape[:2] != (stripe.rows, where.tiff.width):
            raise MalformedImage(f"rows from {stripe.first} on decode to another size")
        yield from sliced(pixels)
