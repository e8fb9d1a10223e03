"""Tags, types and entries of TIFF directories (TIFF 6.0 section 2 and appendix A; BigTIFF)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

Order: TypeAlias = Literal["little", "big"]

BYTE, ASCII, SHORT, LONG, RATIONAL, UNDEFINED, LONG8 = 1, 2, 3, 4, 5, 7, 16
TYPES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4}
TYPES |= {16: 8, 17: 8, 18: 8}  # BigTIFF's
"""Bytes of a value of each type."""
UNSIGNED = {BYTE, SHORT, LONG, LONG8, 13, 18}
"""Types of unsigned whole numbers; 13 and 18 are offsets of directories."""
BIG_ONLY = {LONG8, 17, 18}
_WORDS = {5: 4, 10: 4}
"""Bytes of what is swapped at a time, where that is not a value."""

IMAGE_WIDTH, IMAGE_LENGTH, BITS_PER_SAMPLE, COMPRESSION, PHOTOMETRIC = 256, 257, 258, 259, 262
STRIP_OFFSETS, SAMPLES_PER_PIXEL, ROWS_PER_STRIP, STRIP_BYTE_COUNTS = 273, 277, 278, 279
FILL_ORDER, PLANAR_CONFIGURATION, PREDICTOR, COLOR_MAP, INK_SET = 266, 284, 317, 320, 332
T4_OPTIONS, T6_OPTIONS = 292, 293
TILE_WIDTH, TILE_LENGTH, TILE_OFFSETS, TILE_BYTE_COUNTS = 322, 323, 324, 325
EXTRA_SAMPLES, SAMPLE_FORMAT, JPEG_TABLES = 338, 339, 347
YCBCR_COEFFICIENTS, YCBCR_SUBSAMPLING, YCBCR_POSITIONING, REFERENCE_BLACK_WHITE = 529, 530, 531, 532
X_RESOLUTION, Y_RESOLUTION, RESOLUTION_UNIT = 282, 283, 296
XMP, PHOTOSHOP, ICC_PROFILE, EXIF_IFD, GPS_IFD = 700, 34377, 34675, 34665, 34853


LOW_BIT_FIRST = 2
"""FillOrder: of a byte; libtiff turns them before it undoes a compression other than JPEG and fax."""
TURNED = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))
"""Every byte the other way round."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A tag and its value."""

    tag: int
    kind: int
    """One of `TYPES`."""
    raw: bytes | memoryview
    """The value as it stands in a file."""

    @property
    def count(self) -> int:
        """Number of values."""
        return len(self.raw) // TYPES[self.kind]

    def swapped(self) -> Entry:
        """The same value in the other byte order."""
        size = _WORDS.get(self.kind, TYPES[self.kind])
        raw = bytes(self.raw)
        if size > 1:
            raw = b"".join(raw[i : i + size][::-1] for i in range(0, len(raw), size))
        return Entry(self.tag, self.kind, raw)


def entry(tag: int, kind: int, values: Sequence[int] | NDArray[np.int64], order: Order) -> Entry:
    """An entry of unsigned whole numbers."""
    return Entry(tag, kind, np.asarray(values, np.uint64).astype(number_type(kind, order)).tobytes())


def number_type(kind: int, order: Order) -> np.dtype[Any]:
    """The dtype of unsigned whole numbers of a type."""
    return np.dtype(f"u{TYPES[kind]}").newbyteorder("<" if order == "little" else ">")


def is_big(data: memoryview) -> bool:
    """Whether a TIFF is a BigTIFF, with offsets of eight bytes."""
    return bytes(data[2:4]) in {b"+\0", b"\0+"}
