"""Stored samples of a PNG: what stands in its rows once they are unfiltered (PNG sections 7.2, 8.2, 9)."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from shared.codecs.picture import Band, rows_per_band
from shared.codecs.pipeline import Stages
from shared.codecs.png import kernels
from shared.codecs.png.chunks import PngHeader, PngStream
from shared.codecs.png.inflate import Inflater
from shared.problems import MalformedImage

_ADAM7 = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))
"""(first x, first y, step x, step y) of each pass (PNG section 8.2)."""
_WORD = 4
"""Bytes of a pixel that are unfiltered together."""


@dataclass(frozen=True, slots=True)
class Pass:
    """A reduced image of an interlaced picture: its pixels' places, and its rows as of a picture."""

    rows: slice
    columns: slice
    bands: Iterator[Band]


def bands(png: PngStream, stages: Stages) -> Iterator[Band]:
    """Samples of a picture that is not interlaced: (rows, width, channels), 8 or 16 bits.

    A fourth sample may follow three. Samples of 1, 2 and 4 bits stand in a byte each, as stored. Raises
    `MalformedImage` where the file is damaged. Inflating is a stage of its own.
    """
    return _unfiltered(png.header, stages.ahead(_inflated_to_the_end(png)))


def passes(png: PngStream) -> Iterator[Pass]:
    """The passes of an interlaced picture, each to be read to its end before the next."""
    inflater = Inflater(chunk.data for chunk in png.idat)
    for first_x, first_y, step_x, step_y in _ADAM7:
        width = len(range(first_x, png.header.width, step_x))
        height = len(range(first_y, png.header.height, step_y))
        if width and height:
            header = replace(png.header, width=width, height=height)
            rows, columns = slice(first_y, None, step_y), slice(first_x, None, step_x)
            yield Pass(rows, columns, _unfiltered(header, _inflated(header, inflater)))
    _finish(png, inflater)


def _inflated_to_the_end(png: PngStream) -> Iterator[list[bytes]]:
    inflater = Inflater(chunk.data for chunk in png.idat)
    yield from _inflated(png.header, inflater)
    _finish(png, inflater)


def _inflated(header: PngHeader, inflater: Inflater) -> Iterator[list[bytes]]:
    """Filtered rows in pieces, a band's worth at a time: joining them is left to the next stage."""
    step = -(-rows_per_band(header.row_bytes) // kernels.LANES) * kernels.LANES
    for row in range(0, header.height, step):
        yield list(inflater.read(min(step, header.height - row) * (1 + header.row_bytes)))


def _finish(png: PngStream, inflater: Inflater) -> None:
    inflater.finish()
    for _ in png.idat:  # to the end of the file
        pass


def _unfiltered(header: PngHeader, inflated: Iterator[list[bytes]]) -> Iterator[Band]:
    stride, pixel = 1 + header.row_bytes, header.pixel_bytes
    width = header.width if header.depth >= 8 else header.row_bytes
    words = [(offset, np.zeros(width, np.uint32)) for offset in range(0, pixel, _WORD)]
    for pieces in inflated:
        filtered = np.frombuffer(bytearray().join((*pieces, bytes(kernels.SPARE))), np.uint8)
        kinds = filtered[: -kernels.SPARE : stride]
        if kinds.max() > kernels.PAETH:
            raise MalformedImage("a filter type above 4")
        parts = []
        for offset, above in words:
            here = min(pixel - offset, _WORD)
            part = np.empty((kinds.size, width, _WORD if here == 3 else here), np.uint8)
            kernels.unfilter(filtered, above, part, pixel, offset)
            parts.append(part)
        yield _as_samples(header, parts)


def _as_samples(header: PngHeader, parts: list[NDArray[np.uint8]]) -> Band:
    """Bytes of pixels as samples."""
    stored = parts[0] if len(parts) == 1 else np.concatenate(parts, axis=2)
    if header.depth == 16:
        return stored.view(np.dtype(">u2")).astype(np.uint16)
    if header.depth == 8:
        return stored
    unpacked = _unpacking(header.depth)[stored[:, :, 0]].reshape(stored.shape[0], -1, 1)
    return np.ascontiguousarray(unpacked[:, : header.width])


@functools.cache
def _unpacking(depth: int) -> NDArray[np.uint8]:
    """The samples in each byte, the leftmost in its high bits: (256, 8 / depth)."""
    shifts = np.arange(8 - depth, -1, -depth, dtype=np.uint8)
    return np.arange(256, dtype=np.uint8)[:, None] >> shifts & np.uint8(2**depth - 1)
