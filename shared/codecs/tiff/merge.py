"""Joining grey TIFF stripes into one TIFF without decoding them: their strips, and one directory.

Possible because of the `layout`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from shared.codecs.tiff import types
from shared.codecs.tiff.header import BLACK_IS_ZERO, DEFLATE, DIFFERENCES, parse
from shared.codecs.tiff.layout import ORDER, ROWS_PER_STRIP, Fields, Shape, head
from shared.codecs.tiff.split import find_cuts
from shared.problems import MalformedImage

_LAYOUT = {
    types.COMPRESSION: DEFLATE,
    types.PREDICTOR: DIFFERENCES,
    types.ROWS_PER_STRIP: ROWS_PER_STRIP,
}


@dataclass(frozen=True, slots=True)
class TiffPart:
    """A grey stripe that was looked at and can be merged."""

    shape: Shape
    strips: memoryview
    """All of them, as they stand in the file."""
    sizes: NDArray[np.int64]
    """Bytes of each."""


def part(data: memoryview, width: int, rows: int) -> TiffPart:
    """A stripe as a worker returned it; `MalformedImage` if it is not what was asked for."""
    tiff = parse(data)
    shape = Shape(tiff.width, tiff.height, tiff.samples, tiff.depth)
    if (tiff.width, tiff.height, tiff.photometric) != (width, rows, BLACK_IS_ZERO):
        raise MalformedImage(f"a grey stripe of {width} x {rows} came back as {shape}")
    found = find_cuts(data, tiff)
    numbers = (tiff.directory.number(tag, 0) for tag in _LAYOUT)
    layout = (tiff.directory.order, *numbers)
    if found is None or layout != (ORDER, *_LAYOUT.values()):
        raise MalformedImage("a grey stripe came back in a layout that cannot be joined")
    offsets, sizes = found.offsets.ravel(), found.sizes.ravel()
    start, end = int(offsets[0]), int(offsets[-1] + sizes[-1])
    if (offsets != start + np.cumsum(sizes) - sizes).any():
        raise MalformedImage("a grey stripe came back with gaps between its strips")
    return TiffPart(shape, data[start:end], sizes)


def merge(parts: Sequence[TiffPart], fields: Fields) -> list[bytes | memoryview]:
    """One TIFF file in pieces, stripes top to bottom; `MalformedImage` if their pixels differ in kind."""
    heights = [p.shape.height for p in parts]
    shape = replace(parts[0].shape, height=sum(heights))
    if any(replace(p.shape, height=shape.height) != shape for p in parts):
        raise MalformedImage("grey stripes came back with different kinds of pixels")
    if any(height % ROWS_PER_STRIP for height in heights[:-1]):
        raise MalformedImage("a grey stripe came back that is no whole number of strips")
    sizes = np.concatenate([p.sizes for p in parts])
    return [head(shape, sizes, fields), *(p.strips for p in parts)]
