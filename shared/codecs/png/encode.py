"""Grey bands to PNG, in the one layout of ours (`layout`): the same for a stripe and a whole picture."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from typing import Protocol, TypeAlias

import numpy as np
from isal import isal_zlib
from numpy.typing import NDArray

from shared.codecs.picture import Band, Collect, Picture, Pieces
from shared.codecs.png.chunks import GREY, GREY_ALPHA, PngHeader, chunk, ihdr
from shared.codecs.png.filters import AdaptiveFilter, Filtered, UpFilter
from shared.codecs.png.layout import FINAL_BLOCK, IEND, ZLIB_HEADER
from shared.options import Effort

_RowFilter: TypeAlias = Callable[[NDArray[np.uint8]], Filtered]


class _Deflater(Protocol):
    def compress(self, data: memoryview, /) -> bytes: ...
    def flush(self, mode: int, /) -> bytes: ...


def _stages(effort: Effort, row_bytes: int, step: int) -> tuple[_RowFilter, _Deflater]:
    """Row filter and raw deflate stream for an effort."""
    match effort:
        case Effort.FAST:
            return UpFilter(row_bytes, step), isal_zlib.compressobj(1, zlib.DEFLATED, -15)
        case Effort.BALANCED:
            return AdaptiveFilter(row_bytes, step), isal_zlib.compressobj(1, zlib.DEFLATED, -15)
        case Effort.SMALL:
            deflater = zlib.compressobj(9, zlib.DEFLATED, -15, 9, zlib.Z_FILTERED)
            return AdaptiveFilter(row_bytes, step), deflater


def encode(
    picture: Picture, effort: Effort, metadata: Callable[[], bytes] = bytes, collect: Collect = list
) -> Pieces:
    """The picture (1 or 2 channels, 8 or 16 bits) as a PNG file, in pieces.

    `metadata` are whole chunks, asked for when the last band was read: only then are all known.
    """
    colour = {1: GREY, 2: GREY_ALPHA}[picture.channels]
    header = PngHeader(picture.width, picture.height, picture.depth, colour, interlaced=False)
    body = collect(_image_data(picture, effort))
    return [ihdr(header) + metadata(), *body, IEND]


def _image_data(picture: Picture, effort: Effort) -> Iterator[bytes]:
    """All IDATs."""
    yield chunk(b"IDAT", ZLIB_HEADER)
    row_filter, deflater = _stages(effort, picture.row_bytes, picture.row_bytes // picture.width)
    adler = 1
    for band in picture.bands:
        filtered = row_filter(_stored(band))
        adler = isal_zlib.adler32(filtered, adler)
        deflated = deflater.compress(filtered.data)
        if deflated:
            yield chunk(b"IDAT", deflated)
    yield chunk(b"IDAT", deflater.flush(zlib.Z_SYNC_FLUSH))
    yield chunk(b"IDAT", FINAL_BLOCK + adler.to_bytes(4, "big"))


def _stored(band: Band) -> NDArray[np.uint8]:
    """Rows of bytes, the high one of two first (PNG section 7.1)."""
    stored = band if band.dtype == np.uint8 else band.astype(">u2")
    return stored.reshape(band.shape[0], -1).view(np.uint8)
