"""Cutting a TIFF into stripes that are TIFF files themselves, without decoding it.

Strips and tiles are compressed each on its own (TIFF 6.0 section 3, section 15): a run of strips, or of whole
rows of tiles, and a directory of their own are a file. Stripes begin at multiples of 8 rows, as those do that
come back (`encode`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from math import ceil, gcd
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from shared.codecs.limits import Limits
from shared.codecs.stripes import Stripe
from shared.codecs.tiff import types
from shared.codecs.tiff.header import FAX, INDEPENDENT, LAYOUT, RAW, SIDES, YCBCR, TiffHeader
from shared.codecs.tiff.types import LONG, Entry, entry
from shared.codecs.tiff.write import head_with_pieces, needs_big
from shared.problems import MalformedImage

_STEP = 8
"""Stripes are joined at multiples of so many rows."""
_TILE_STEP = 16
"""Sides of tiles are multiples of it (section 15)."""
_SEPARATED = 5


@dataclass(frozen=True, slots=True)
class Cuts:
    """Where a TIFF may be cut: between units, each a run of strips, or of rows of tiles."""

    tiff: TiffHeader
    piece_width: int
    piece_rows: int
    """Sides of a strip or tile."""
    offsets: NDArray[np.int64]
    """(planes, strips or tiles of a column, tiles of a row) in the file."""
    sizes: NDArray[np.int64]
    """Likewise, in bytes."""
    needs_scan: ClassVar[bool] = False

    @property
    def unit_pieces(self) -> int:
        """Strips, or rows of tiles, in a unit: as many as make a multiple of 8 rows."""
        return _STEP // gcd(_STEP, self.piece_rows)

    @property
    def unit_rows(self) -> int:
        """Pixel rows in a unit; the last may have fewer."""
        return min(self.unit_pieces * self.piece_rows, self.tiff.height)

    @property
    def row_bytes(self) -> int:
        """Bytes of a row of a strip or tile that is not compressed, unless chroma is subsampled."""
        return ceil(self.piece_width * self.tiff.depth * (self.tiff.samples // self.tiff.planes) / 8)

    def places(self, top: int, bottom: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Offsets and sizes of the strips or tiles that hold rows [top, bottom)."""
        rows = slice(top // self.piece_rows, ceil(bottom / self.piece_rows))
        return self.offsets[:, rows], self.sizes[:, rows]

    @property
    def units(self) -> int:
        """Number of units, which is also the largest number of stripes; 1: cannot be cut."""
        return ceil(self.tiff.height / self.unit_rows)


def find_cuts_within(data: memoryview, tiff: TiffHeader, limits: Limits) -> Cuts | None:
    """As `find_cuts`; `ImageTooLarge` if the picture, or a piece that cannot be cut, is over the limits."""
    limits.check(tiff.width, tiff.height, banded=True)
    found = find_cuts(data, tiff)
    if found is None:
        limits.check(tiff.width, tiff.height, banded=False)
        return None
    rows = max(found.unit_rows, found.piece_rows) if tiff.is_tiled else found.unit_rows
    limits.check(max(found.piece_width, tiff.width), rows, banded=False)
    return found


def find_cuts(data: memoryview, tiff: TiffHeader) -> Cuts | None:
    """Where a file may be cut; None if it is of a kind that only another decoder can judge.

    Raises `MalformedImage` if strips or tiles are missing, overlap, or lie outside of the file, and if what
    stands beside them is more than a decoder has use for.
    """
    if tiff.compression not in INDEPENDENT or not (tiff.depth <= 8 or tiff.is_deep):
        return None
    width, rows = _piece_sides(tiff)
    shape = (tiff.planes, ceil(tiff.height / rows), ceil(tiff.width / width))
    stored = [tiff.directory.numbers(tag) for tag in _tags(tiff)]
    if not stored[1].size:
        _check_unsized(tiff)
        return None
    if not stored[0].size == stored[1].size == shape[0] * shape[1] * shape[2]:
        raise MalformedImage(
            f"{stored[0].size} offsets and {stored[1].size} sizes of {shape} strips or tiles"
        )
    offsets, sizes = (numbers.astype(np.uint64) for numbers in stored)
    _check_places(offsets, sizes, len(data))
    places = offsets.astype(np.int64).reshape(shape), sizes.astype(np.int64).reshape(shape)
    found = Cuts(tiff, width, rows, *places)
    if tiff.compression != RAW or tiff.photometric == YCBCR:  # whose colours are stored for several pixels
        return found
    _check_raw(found)
    return found if tiff.is_tiled or shape[1] > 1 else _refined(found)


def _check_unsized(tiff: TiffHeader) -> None:
    """Files of old writers leave the sizes of strips out; of fax codes nobody could tell where they end."""
    if tiff.compression in FAX:
        raise MalformedImage("strips or tiles of fax codes without their sizes")


def _tags(tiff: TiffHeader) -> tuple[int, int]:
    """Of offsets and byte counts."""
    if tiff.is_tiled:
        return types.TILE_OFFSETS, types.TILE_BYTE_COUNTS
    return types.STRIP_OFFSETS, types.STRIP_BYTE_COUNTS


def _piece_sides(tiff: TiffHeader) -> tuple[int, int]:
    """Width and height of a strip or tile."""
    if tiff.is_tiled:
        width, rows = (tiff.directory.number(tag, 0) for tag in (types.TILE_WIDTH, types.TILE_LENGTH))
        if width % _TILE_STEP or rows % _TILE_STEP:
            width = 0
    else:
        width, rows = tiff.width, min(tiff.directory.number(types.ROWS_PER_STRIP, tiff.height), tiff.height)
    if not width or not rows:
        raise MalformedImage("strips of no rows, or tiles whose sides are no multiples of 16")
    return width, rows


def _check_places(offsets: NDArray[np.uint64], sizes: NDArray[np.uint64], end: int) -> None:
    """Raise `MalformedImage` unless all pieces lie in the file, each in a place of its own."""
    if not sizes.all():
        raise MalformedImage("a strip or tile without data")
    outside = (offsets > end) | (sizes > end)
    outside |= offsets + np.where(outside, np.uint64(0), sizes) > end
    if outside.any():
        raise MalformedImage.at(end, "the file ends before its last strip or tile")
    order = np.argsort(offsets, kind="stable")
    starts, ends = offsets[order], (offsets + sizes)[order]
    if (starts[1:] < ends[:-1]).any():
        raise MalformedImage("strips or tiles overlap")


def _check_raw(where: Cuts) -> None:
    """Raise `MalformedImage` if a strip or tile without compression is too short for its pixels."""
    rows = np.full(where.sizes.shape[1], where.piece_rows)
    if not where.tiff.is_tiled:
        rows[-1] = where.tiff.height - where.piece_rows * (len(rows) - 1)
    if (where.sizes < (rows * where.row_bytes)[:, None]).any():
        raise MalformedImage("a strip or tile is shorter than its pixels")


def _refined(where: Cuts) -> Cuts:
    """The only strip, which is not compressed, as many: rows can be cut anywhere then."""
    first = np.arange(0, where.tiff.height, _STEP)
    rows = np.minimum(where.tiff.height - first, _STEP)
    sizes = np.broadcast_to((rows * where.row_bytes)[:, None], (where.tiff.planes, len(first), 1))
    return replace(
        where, piece_rows=_STEP, offsets=where.offsets + (first * where.row_bytes)[:, None], sizes=sizes
    )


def stripes(data: memoryview, where: Cuts, count: int) -> Iterator[Stripe]:
    """The picture in at most `count` stripes of about the same height, top to bottom."""
    count = min(count, where.units)
    bounds = [round(where.units * i / count) for i in range(count)] + [where.units]
    return (_stripe(data, where, *pair) for pair in pairwise(bounds))


def _stripe(data: memoryview, where: Cuts, first_unit: int, end_unit: int) -> Stripe:
    top, bottom = (
        min(unit * where.unit_pieces * where.piece_rows, where.tiff.height) for unit in (first_unit, end_unit)
    )
    order = where.tiff.directory.order
    entries = [*_kept(where.tiff), entry(types.IMAGE_LENGTH, LONG, [bottom - top], order)]
    if not where.tiff.is_tiled:
        entries.append(entry(types.ROWS_PER_STRIP, LONG, [where.piece_rows], order))
    offsets, sizes = where.places(top, bottom)
    pieces = file(data, where.tiff, entries, offsets.ravel(), sizes.ravel())
    return Stripe(pieces, top, bottom - top, 0, bottom - top)


def file(
    data: memoryview,
    tiff: TiffHeader,
    entries: Sequence[Entry],
    offsets: NDArray[np.int64],
    sizes: NDArray[np.int64],
) -> tuple[bytes | memoryview, ...]:
    """A file of its own, in pieces: these entries, and some strips or tiles of another."""
    # Not all readers know BigTIFFs in both byte orders.
    big = needs_big(int(sizes.sum()))
    head = head_with_pieces(entries, tiff.directory.order, _tags(tiff), sizes, big=big)
    return (head, *_slices(data, offsets, sizes))


def _kept(tiff: TiffHeader) -> list[Entry]:
    kept = LAYOUT - SIDES | ({types.ICC_PROFILE} if tiff.photometric == _SEPARATED else set())
    return [_narrow(found, tiff) for tag, found in tiff.directory.entries.items() if tag in kept]


def _narrow(found: Entry, tiff: TiffHeader) -> Entry:
    """The entry as a classic TIFF may have it."""
    if found.kind not in types.BIG_ONLY:
        return found
    return entry(found.tag, LONG, tiff.directory.numbers(found.tag).astype(np.int64), tiff.directory.order)


def _slices(data: memoryview, offsets: NDArray[np.int64], sizes: NDArray[np.int64]) -> Iterator[memoryview]:
    """The pieces in order; those that follow each other in the file are one slice."""
    ends = offsets + sizes
    breaks = np.flatnonzero(offsets[1:] != ends[:-1]) + 1
    for low, high in pairwise([0, *breaks.tolist(), len(offsets)]):
        yield data[int(offsets[low]) : int(ends[high - 1])]
