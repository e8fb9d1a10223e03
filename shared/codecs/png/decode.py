"""PNG to bands of pixels: inflate in small pieces, unfilter, grey (PNG sections 9 and 10)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import cast

import numpy as np
from isal import isal_zlib

from shared.codecs import kernels as luma_kernels
from shared.codecs.picture import Band, Picture, rows_per_band
from shared.codecs.pipeline import Stages
from shared.codecs.png import chunks, kernels
from shared.codecs.png.chunks import PngHeader, PngStream
from shared.problems import MalformedImage

_InflateError = cast("type[Exception]", isal_zlib.error)  # its stubs give the class an instance's type
_PIECE = 1 << 17
"""Compressed bytes handed to inflate at a time: what it leaves over, it copies."""


def is_ours(png: PngStream) -> bool:
    """Whether `grey` reads this kind: 8 bit, not interlaced, no tRNS."""
    header = png.header
    return header.depth == 8 and not header.interlaced and png.find(b"tRNS") is None


def grey(png: PngStream, to_grey: Callable[[Band], Band], stages: Stages) -> Picture:
    """The picture in grey, alpha kept; `MalformedImage` while its bands are read.

    `to_grey` makes (rows, width, 1) of colour, (rows, width, 3 or 4), and does not look at a fourth byte.
    Inflating is one stage, unfiltering and grey another, and what the reader of the bands does a third.
    """
    header = png.header
    pixels = _unfiltered(header, stages.ahead(_inflated(png)))
    bands = stages.ahead(_greyed(png, pixels, to_grey))
    channels = 2 if header.colour in {chunks.GREY_ALPHA, chunks.RGBA} else 1
    return Picture(header.width, header.height, channels, bands)


def _greyed(png: PngStream, pixels: Iterator[Band], to_grey: Callable[[Band], Band]) -> Iterator[Band]:
    """Bands of `_unfiltered` in grey."""
    match png.header.colour:
        case chunks.RGB:
            return map(to_grey, pixels)
        case chunks.RGBA:
            return (_with_alpha(to_grey(band), band) for band in pixels)
        case chunks.PALETTE:
            return _through_palette(pixels, png.palette or memoryview(b""), to_grey)
        case _:
            return pixels


def _with_alpha(grey: Band, colour: Band) -> Band:
    both = np.empty((*grey.shape[:2], 2), np.uint8)
    luma_kernels.with_alpha(grey, colour, both)
    return both


def _through_palette(
    bands: Iterator[Band], palette: memoryview, to_grey: Callable[[Band], Band]
) -> Iterator[Band]:
    colours = np.array(palette, np.uint8).reshape(1, -1, 3)
    table = to_grey(colours)[0, :, 0]
    for band in bands:
        if int(band.max()) >= len(table):
            raise MalformedImage(f"a pixel beyond the palette of {len(table)} entries")
        yield table[band]


def _inflated(png: PngStream) -> Iterator[list[bytes]]:
    """Filtered rows in pieces, a band's worth at a time: joining them is left to the next stage."""
    header = png.header
    row_bytes = header.width * header.channels
    step = -(-rows_per_band(row_bytes) // kernels.LANES) * kernels.LANES
    inflater = Inflater(chunk.data for chunk in png.idat)
    for row in range(0, header.height, step):
        yield list(inflater.read(min(step, header.height - row) * (1 + row_bytes)))
    inflater.finish()
    for _ in png.idat:  # to the end of the file
        pass


def _unfiltered(header: PngHeader, inflated: Iterator[list[bytes]]) -> Iterator[Band]:
    """Stored samples, (rows, width, channels), but a fourth byte follows three."""
    stride = 1 + header.width * header.channels
    kept = 4 if header.channels == 3 else header.channels
    above = np.zeros(header.width, np.uint32)
    for pieces in inflated:
        filtered = np.frombuffer(bytearray().join((*pieces, bytes(kernels.SPARE))), np.uint8)
        kinds = filtered[: -kernels.SPARE : stride]
        if kinds.max() > kernels.PAETH:
            raise MalformedImage("a filter type above 4")
        pixels = np.empty((kinds.size, header.width, kept), np.uint8)
        kernels.unfilter(filtered, above, pixels, header.channels)
        yield pixels


class Inflater:
    """A zlib stream read in pieces of exact size; never holds more than one piece."""

    def __init__(self, compressed: Iterable[memoryview]) -> None:
        self._pieces = (data[i : i + _PIECE] for data in compressed for i in range(0, len(data), _PIECE))
        self._stream = isal_zlib.decompressobj()
        self._tail: bytes | memoryview = b""

    def read(self, size: int) -> Iterator[bytes]:
        """The next `size` bytes as they come; `MalformedImage` if the stream is damaged or has fewer."""
        while size:
            piece = self._inflate(size)
            size -= len(piece)
            yield piece

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
