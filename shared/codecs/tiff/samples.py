"""Samples of 16-bit pictures: unpacked by Pillow as if they were bytes, put together here.

Pillow reads 16-bit grey alone, but what strips hold is bytes to every compression. So a run of them is given
to Pillow as a picture of bytes; byte order, differences and planes are undone by numpy.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from shared.codecs import pillow
from shared.codecs.tiff import types
from shared.codecs.tiff.header import BLACK_IS_ZERO, DIFFERENCES, WHITE_IS_ZERO
from shared.codecs.tiff.split import Cuts, file
from shared.codecs.tiff.types import LONG, entry, number_type

_BYTES = 2
_PEAK = 2**16 - 1
_PREMULTIPLIED = 1
"""ExtraSamples: the colours were multiplied by alpha (section 18)."""


def rows(data: memoryview, where: Cuts, top: int, bottom: int) -> NDArray[np.uint16]:
    """Rows [top, bottom) as (rows, width, samples), black is zero, colours not multiplied by alpha."""
    tiff = where.tiff
    samples = np.concatenate(
        [_plane(data, where, plane, top, bottom) for plane in range(tiff.planes)], axis=2
    )
    if tiff.photometric == WHITE_IS_ZERO:
        samples = _PEAK - samples
    if tiff.samples in {2, 4} and tiff.directory.number(types.EXTRA_SAMPLES, 0) == _PREMULTIPLIED:
        samples[:, :, :-1] = _divided(samples[:, :, :-1], samples[:, :, -1:])
    return samples


def _plane(data: memoryview, where: Cuts, plane: int, top: int, bottom: int) -> NDArray[np.uint16]:
    """What is stored together: all samples, or those of one channel."""
    tiff = where.tiff
    samples = tiff.samples // tiff.planes
    across = where.offsets.shape[2]
    offsets, sizes = (places[plane] for places in where.places(top, bottom))
    rows = bottom - top, where.piece_rows
    unpacked = pillow.unpacked(
        as_bytes(data, where, offsets, sizes, where.piece_width * samples * _BYTES, rows)
    )
    words = unpacked.view(number_type(types.SHORT, tiff.directory.order)).astype(np.uint16)
    pieces = words.reshape(bottom - top, across, where.piece_width, samples)
    if tiff.predictor == DIFFERENCES:
        for channel in range(samples):
            np.add.accumulate(pieces[..., channel], axis=2, out=pieces[..., channel])
    return pieces.reshape(bottom - top, across * where.piece_width, samples)[:, : tiff.width]


def as_bytes(
    data: memoryview,
    where: Cuts,
    offsets: NDArray[np.int64],
    sizes: NDArray[np.int64],
    width: int,
    rows: tuple[int, int],
) -> bytes:
    """A file in which each byte of strips or tiles is a grey pixel.

    `offsets` and `sizes` are (strips or tiles of a column, tiles of a row), `width` is the bytes of a row in
    each, `rows` how many the file has, and each.
    """
    tiff = where.tiff
    numbers = {
        types.IMAGE_WIDTH: width * where.offsets.shape[2],
        types.IMAGE_LENGTH: rows[0],
        types.BITS_PER_SAMPLE: 8,
        types.COMPRESSION: tiff.compression,
        types.PHOTOMETRIC: BLACK_IS_ZERO,
        types.FILL_ORDER: tiff.directory.number(types.FILL_ORDER, 1),
        types.TILE_WIDTH if tiff.is_tiled else types.SAMPLES_PER_PIXEL: width if tiff.is_tiled else 1,
        types.TILE_LENGTH if tiff.is_tiled else types.ROWS_PER_STRIP: rows[1],
    }
    entries = [entry(tag, LONG, [number], tiff.directory.order) for tag, number in numbers.items()]
    return b"".join(file(data, tiff, entries, offsets.ravel(), sizes.ravel()))


def _divided(colours: NDArray[np.uint16], alpha: NDArray[np.uint16]) -> NDArray[np.uint32]:
    """Colours / alpha, rounded down as Pillow does it for 8 bits (libImaging/Convert.c, rgba2rgbA)."""
    whole = np.minimum(colours.astype(np.uint32) * _PEAK // np.maximum(alpha, 1), _PEAK)
    return np.where(alpha == 0, colours, whole)
