"""Grey bands to TIFF in the one layout of ours: strips of 8 rows, horizontal differences, deflate.

The head comes first, the strips follow in order without gaps, so that stripes of a multiple of 8 rows join
by copying their strips (`merge`).
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator

import numpy as np
from isal import isal_zlib
from numpy.typing import NDArray

from shared.codecs.picture import Band, Collect, Picture, Pieces
from shared.codecs.tiff.layout import ROWS_PER_STRIP, Fields, Shape, head
from shared.options import Effort


def encode(
    picture: Picture, effort: Effort, fields: Callable[[], Fields] = Fields, collect: Collect = list
) -> Pieces:
    """The picture (1 or 2 channels) as a TIFF file, in pieces.

    `fields` are metadata, asked for when the last band was read: only then are all known.
    """
    sizes: list[int] = []

    def counted() -> Iterator[bytes]:
        for strip in _strips(picture, _deflater(effort)):
            sizes.append(len(strip))
            yield strip

    body = collect(counted())
    shape = Shape(picture.width, picture.height, picture.channels, picture.depth)
    return [head(shape, np.array(sizes, np.int64), fields()), *body]


def _deflater(effort: Effort) -> Callable[[NDArray[np.generic]], bytes]:
    """A whole zlib stream of some pixels, for an effort."""
    match effort:
        case Effort.FAST:
            return lambda pixels: isal_zlib.compress(pixels.data, 1)
        case Effort.BALANCED:
            return lambda pixels: isal_zlib.compress(pixels.data, 3)
        case Effort.SMALL:
            return _smallest


def _smallest(pixels: NDArray[np.generic]) -> bytes:
    deflater = zlib.compressobj(9, zlib.DEFLATED, 15, 9, zlib.Z_FILTERED)
    return deflater.compress(pixels.data) + deflater.flush()


def _strips(picture: Picture, deflate: Callable[[NDArray[np.generic]], bytes]) -> Iterator[bytes]:
    for band in picture.bands:
        differences = _differences(band)
        for row in range(0, band.shape[0], ROWS_PER_STRIP):
            yield deflate(differences[row : row + ROWS_PER_STRIP])


def _differences(band: Band) -> Band:
    """Each sample less the one before it in its row and channel (section 14)."""
    differences = np.array(band, band.dtype.newbyteorder("<"))
    differences[:, 1:] -= band[:, :-1]
    return differences
