"""The layout of our TIFF files, whose strips can be joined without being inflated.

    header | directory with its values | strip | strip | ...

Little-endian, strips of 8 rows, horizontal differences, deflate (TIFF technical note 3), black is zero.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from shared.codecs.tiff import types
from shared.codecs.tiff.header import BLACK_IS_ZERO, DEFLATE, DIFFERENCES
from shared.codecs.tiff.types import LONG, SHORT, Entry, Order, entry
from shared.codecs.tiff.write import head_with_pieces, needs_big

ORDER: Order = "little"
ROWS_PER_STRIP = 8
"""Every stripe of every source has a multiple of 8 rows."""
_UNASSOCIATED_ALPHA = 2


@dataclass(frozen=True, slots=True)
class Shape:
    """Sides and samples of a grey picture."""

    width: int
    height: int
    channels: int
    """1 grey, 2 grey and alpha."""
    depth: int = 8


@dataclass(frozen=True, slots=True)
class Fields:
    """Metadata as entries in our byte order."""

    entries: Sequence[Entry] = ()
    below: Mapping[int, Sequence[Entry]] = field(default_factory=dict)
    """Directories of their own, by the tag that points to them."""


def head(shape: Shape, sizes: NDArray[np.int64], fields: Fields) -> bytes:
    """All of a file but its strips, which have these sizes; a BigTIFF where they need one."""
    return head_with_pieces(
        [*_entries(shape), *fields.entries],
        ORDER,
        (types.STRIP_OFFSETS, types.STRIP_BYTE_COUNTS),
        sizes,
        big=needs_big(int(sizes.sum())),
        below=fields.below,
    )


def _entries(shape: Shape) -> list[Entry]:
    longs = {
        types.IMAGE_WIDTH: shape.width,
        types.IMAGE_LENGTH: shape.height,
        types.ROWS_PER_STRIP: ROWS_PER_STRIP,
    }
    shorts: dict[int, list[int]] = {
        types.BITS_PER_SAMPLE: [shape.depth] * shape.channels,
        types.COMPRESSION: [DEFLATE],
        types.PHOTOMETRIC: [BLACK_IS_ZERO],
        types.SAMPLES_PER_PIXEL: [shape.channels],
        types.PLANAR_CONFIGURATION: [1],
        types.PREDICTOR: [DIFFERENCES],
    }
    if shape.channels == 2:
        shorts[types.EXTRA_SAMPLES] = [_UNASSOCIATED_ALPHA]
    entries = [entry(tag, LONG, [value], ORDER) for tag, value in longs.items()]
    return entries + [entry(tag, SHORT, values, ORDER) for tag, values in shorts.items()]
