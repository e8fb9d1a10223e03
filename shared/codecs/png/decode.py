"""PNG to bands of pixels: inflate in small pieces, unfilter, grey (PNG sections 9 and 10)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import cast

import numpy as np
from isal import isal_zlib

from shared.codecs import kernels
from shared.codecs.picture import Band, Picture, rows_per_band
from shared.codecs.pipeline import ahead
from shared.codecs.png.chunks import PALETTE, PngFile, PngHeader
from shared.problems import MalformedImage

_InflateError = cast("type[Exception]", isal_zlib.error)  # its stubs give the class an instance's type
_PIECE = 1 << 17
"""Compressed bytes handed to inflate at a time: what it leaves over, it copies."""


def is_ours(png: PngFile) -> bool:
    """Whether `grey` reads this kind: 8 bit, not interlaced, no tRNS."""
    header = png.header
    return header.depth == 8 and not header.interlaced and png.find(b"tRNS") is None


def grey(png: PngFile, to_grey: Callable[[Band], Band], *, overlap: bool = False) -> Picture:
    """The picture in grey, alpha kept; `MalformedImage` while its bands are read.

    With `overlap` inflating and unfiltering run in a thread each, beside the reader of the bands.
    """
    header = png.header
    stage = ahead if overlap else iter
    channels = {1: 1, 2: 2, 3: 1, 4: 2}[header.channels]
    bands = stage(_unfiltered(header, stage(_inflated(png))))
    if header.colour == PALETTE:
        bands = _through_palette(bands, png.palette or memoryview(b""), to_grey)
    else:
        bands = map(to_grey, bands)
    return Picture(header.width, header.height, channels, bands)


def _through_palette(
    bands: Iterator[Band], palette: memoryview, to_grey: Callable[[Band], Band]
) -> Iterator[Band]:
    colours = np.array(palette, np.uint8).reshape(1, -1, 3)
    table = to_grey(colours)[0, :, 0]
    for band in bands:
        if int(band.max()) >= len(table):
            raise MalformedImage(f"a pixel beyond the palette of {len(table)} entries")
        yield table[band]


def _inflated(png: PngFile) -> Iterator[bytearray]:
    """Filtered rows, a band's worth at a time."""
    header = png.header
    row_bytes = header.width * header.channels
    step = rows_per_band(row_bytes)
    inflater = Inflater(chunk.data for chunk in png.idat)
    for row in range(0, header.height, step):
        yield inflater.read(min(step, header.height - row) * (1 + row_bytes))
    inflater.finish()


def _unfiltered(header: PngHeader, inflated: Iterator[bytearray]) -> Iterator[Band]:
    """Stored samples, (rows, width, channels)."""
    row_bytes = header.width * header.channels
    above = np.zeros(row_bytes, np.uint8)
    for raw in inflated:
        filtered = np.frombuffer(raw, np.uint8).reshape(-1, 1 + row_bytes)
        count = filtered.shape[0]
        rows = np.empty((count, row_bytes), np.uint8)
        if kernels.unfilter(filtered, above, rows, header.channels) < count:
            raise MalformedImage("a filter type above 4")
        above = rows[-1]
        yield rows.reshape(count, header.width, header.channels)


class Inflater:
    """A zlib stream read in pieces of exact size; never holds more than one piece."""

    def __init__(self, compressed: Iterable[memoryview]) -> None:
        self._pieces = (data[i : i + _PIECE] for data in compressed for i in range(0, len(data), _PIECE))
        self._stream = isal_zlib.decompressobj()
        self._tail: bytes | memoryview = b""

    def read(self, size: int) -> bytearray:
        """The next `size` bytes; `MalformedImage` if the stream is damaged or has fewer."""
        found: list[bytes] = []
        while size:
            piece = self._inflate(size)
            found.append(piece)
            size -= len(piece)
        return bytearray().join(found)

    def finish(self) -> None:
        """Check that nothing but a right Adler-32 follows; else `MalformedImage`."""
        while not self._stream.eof:
            if self._inflate(1):
                raise MalformedImage("the image data goes on after the last row")

    def _inflate(self, limit: int) -> bytes:
        """Up to `limit` bytes, perhaps none; `MalformedImage` where none can follow."""
        if self._stream.eof:
            raise MalformedImage("the image data ends before the last row")
        if not self._tail:
            self._tail = next(self._pieces, b"")
            exhausted = not self._tail
        else:
            exhausted = False
        try:
            inflated: bytes = self._stream.decompress(self._tail, limit)
        except _InflateError as exc:
            raise MalformedImage(f"the image data does not inflate: {exc}") from exc
        self._tail = self._stream.unconsumed_tail
        if exhausted and not inflated and not self._stream.eof:
            raise MalformedImage("the image data is cut short")
        return inflated
