"""Pixels of a TIFF, band by band: the same split as the gateway's, one band after another, read by Pillow.

libtiff meets untrusted bytes here, so a worker runs this in a child process (`worker.child`).
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from math import ceil

import numpy as np

from shared.codecs import luma as formulas
from shared.codecs import pillow
from shared.codecs.formats import Format
from shared.codecs.limits import Limits
from shared.codecs.picture import Band, Picture, sliced
from shared.codecs.stripes import Stripe
from shared.codecs.tiff import fax, samples, verify
from shared.codecs.tiff.header import FAX, JPEG
from shared.codecs.tiff.split import Cuts, stripes
from shared.options import Luma
from shared.problems import MalformedImage

_PIXELS_PER_READ = 1 << 20
"""Opening a file takes Pillow as long as decoding some ten thousand pixels."""


def grey(data: memoryview, where: Cuts, luma: Luma, limits: Limits) -> Picture:
    """The picture in grey; with alpha where it has any.

    Raises `MalformedImage` or `UnsupportedFormat`, some of it while its bands are read.
    """
    bands = _bands(data, where, luma, limits)
    first = next(bands)
    size = where.tiff.width, where.tiff.height
    return Picture(*size, first.shape[2], chain([first], bands), 8 * first.itemsize)


def _bands(data: memoryview, where: Cuts, luma: Luma, limits: Limits) -> Iterator[Band]:
    for stripe in stripes(data, where, ceil(where.units / _units_per_read(where))):
        verify.check(data, where, stripe, limits)
        if where.tiff.is_deep:
            yield from _deep(data, where, stripe, luma)
            continue
        if where.tiff.compression in FAX:
            yield from fax.bands(data, where, stripe)
            continue
        picture = pillow.read(b"".join(stripe.pieces), Format.TIFF, luma)
        if (picture.width, picture.height) != (where.tiff.width, stripe.rows):
            raise MalformedImage(f"rows from {stripe.first} on decode to another size")
        yield from picture.bands


def _units_per_read(where: Cuts) -> int:
    """How many units Pillow is given at a time.

    Of JPEGs one: libtiff takes tables that a strip lacks from the one before it, which a stripe may not have.
    """
    if where.tiff.compression == JPEG:
        return 1
    return max(_PIXELS_PER_READ // (where.unit_rows * where.tiff.width), 1)


def _deep(data: memoryview, where: Cuts, stripe: Stripe, luma: Luma) -> Iterator[Band]:
    """Rows of 16-bit samples in grey."""
    to_grey = formulas.formula(luma)
    has_colour = where.tiff.samples > 2
    has_alpha = where.tiff.has_alpha
    for band in sliced(samples.rows(data, where, stripe.first, stripe.first + stripe.rows)):
        if not has_colour:
            yield band if has_alpha else np.ascontiguousarray(band[:, :, :1])
        elif has_alpha:
            yield formulas.with_alpha(to_grey(band), band)
        else:
            yield to_grey(band)
