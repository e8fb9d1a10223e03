"""Pixels of a TIFF, band by band: the same split as the gateway's, one band after another, read by Pillow.

libtiff meets untrusted bytes here, so a worker runs this in a child process (`worker.child`).
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from math import ceil

from shared.codecs import pillow
from shared.codecs.formats import Format
from shared.codecs.limits import Limits
from shared.codecs.picture import Band, Picture, sliced
from shared.codecs.stripes import Stripe
from shared.codecs.tiff import types
from shared.codecs.tiff.header import JPEG
from shared.codecs.tiff.split import Cuts, stripes
from shared.options import Luma
from shared.problems import ImageTooLarge, MalformedImage

_PIXELS_PER_READ = 1 << 20
"""Opening a file takes Pillow as long as decoding some ten thousand pixels."""


def grey(data: memoryview, where: Cuts, luma: Luma, limits: Limits) -> Picture:
    """The picture in grey; with alpha where it has any.

    Raises `MalformedImage` or `UnsupportedFormat`, some of it while its bands are read.
    """
    bands = _bands(data, where, luma, limits)
    first = next(bands)
    return Picture(where.tiff.width, where.tiff.height, first.shape[2], chain([first], bands))


def _bands(data: memoryview, where: Cuts, luma: Luma, limits: Limits) -> Iterator[Band]:
    per_read = max(_PIXELS_PER_READ // (where.unit_rows * where.tiff.width), 1)
    for stripe in stripes(data, where, ceil(where.units / per_read)):
        if where.tiff.compression == JPEG:
            _check_jpegs(data, where, stripe, limits)
        pixels = pillow.grey_pixels(b"".join(stripe.pieces), Format.TIFF, luma)
        if pixels.shape[:2] != (stripe.rows, where.tiff.width):
            raise MalformedImage(f"rows from {stripe.first} on decode to another size")
        yield from sliced(pixels)


def _check_jpegs(data: memoryview, where: Cuts, stripe: Stripe, limits: Limits) -> None:
    """Raise unless all JPEG strips or tiles of a stripe are whole: libtiff passes over what is missing.

    Each is a JPEG file, which may lack tables that the directory has (TIFF technical note 2).
    """
    tables = where.tiff.directory.raw(types.JPEG_TABLES) or b""
    inner = Limits(limits.max_pixels, where.piece_width * where.piece_rows, limits.max_side)
    first = stripe.first // where.piece_rows
    rows = slice(first, first + ceil(stripe.rows / where.piece_rows))
    for offset, size in zip(where.offsets[:, rows].flat, where.sizes[:, rows].flat, strict=True):
        piece = data[int(offset) : int(offset + size)]
        try:
            pillow.check_jpeg(memoryview(b"".join([tables[:-2], piece[2:] if tables else piece])), inner)
        except ImageTooLarge as exc:
            raise MalformedImage.at(int(offset), "a JPEG larger than its strip or tile") from exc
