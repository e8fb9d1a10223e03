"""Pixels of a plain JPEG, band by band: the same split as the gateway's, one band after another."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from math import ceil
from typing import NoReturn

import simplejpeg

from shared.codecs.jpeg.scan import UncleanScanError
from shared.codecs.jpeg.split import Cuts, needs_halo, stripes
from shared.codecs.pages import passed
from shared.codecs.picture import BAND_BYTES, Band, Picture, sliced
from shared.problems import MalformedImage

_HALO_UNITS_PER_BAND = 12
"""A band with halo decodes two more units than it keeps: at most a sixth in vain."""


_DATA_IS_LOST = ("premature end", "bad huffman code", "bad arithmetic code", "sequential", "progression")


def is_data_lost(message: str) -> bool:
    """Whether libjpeg's warning (jerror.h, JWRN_*) means that pixels were made up.

    The binding gives warnings as text alone.
    """
    return any(sign in message.lower() for sign in _DATA_IS_LOST)


def luma_plane(data: memoryview, where: Cuts, *, scan: bool) -> Picture:
    """The stored Y plane; chroma is not even dequantised.

    A file without restart markers is decoded in one piece, or with `scan` band by band: in all it takes
    longer, but the reader of the bands can work beside it, and memory holds no more than a band. Raises
    `MalformedImage` or `UncleanScanError` while its bands are read.
    """
    per_band = BAND_BYTES // (where.unit_rows * where.jpeg.width)
    return _picture(where, _decoded(data, where, _count(where, per_band, scan=scan), "GRAY", halo=False))


def through_rgb(data: memoryview, where: Cuts, to_grey: Callable[[Band], Band], *, scan: bool) -> Picture:
    """Grey made from RGB pixels, bit-equal for every way to cut. All else as `luma_plane`."""
    if where.jpeg.channels == 1:
        return luma_plane(data, where, scan=scan)
    halo = needs_halo(where.jpeg)
    per_band = BAND_BYTES // (where.unit_rows * where.jpeg.width * 4)
    per_band = max(per_band, _HALO_UNITS_PER_BAND) if halo else per_band
    bands = _decoded(data, where, _count(where, per_band, scan=scan), "RGBX", halo=halo)
    return _picture(where, map(to_grey, bands))


def _picture(where: Cuts, bands: Iterator[Band]) -> Picture:
    return Picture(where.jpeg.width, where.jpeg.height, 1, bands)


def _count(where: Cuts, units_per_band: int, *, scan: bool) -> int:
    """How many bands to decode."""
    return ceil(where.units / max(units_per_band, 1)) if scan or not where.needs_scan else 1


def judge(data: memoryview, where: Cuts, error: Exception) -> NoReturn:
    """Raise `MalformedImage` if any unit lacks data: of several warnings only the last is told.

    Else `UncleanScanError`. Where there are no markers, `error` was about all there is.
    """
    for stripe in stripes(data, where, 1 if where.needs_scan else where.units, halo=False):
        try:
            simplejpeg.decode_jpeg(b"".join(stripe.pieces), "GRAY", strict=True)
        except ValueError as exc:
            if is_data_lost(str(exc)):
                raise MalformedImage(f"rows from {stripe.first} on do not decode: {exc}") from exc
    raise UncleanScanError(str(error)) from error


def _decoded(data: memoryview, where: Cuts, count: int, space: str, *, halo: bool) -> Iterator[Band]:
    for stripe in stripes(data, where, count, halo=halo):
        try:
            pixels: Band = simplejpeg.decode_jpeg(b"".join(stripe.pieces), space, strict=True)
        except ValueError as exc:
            judge(data, where, exc)
        for piece in stripe.pieces:
            if isinstance(piece, memoryview):
                passed(piece, 0, len(piece))
        yield from sliced(pixels[stripe.above : stripe.above + stripe.rows])
