"""Writing the head of a TIFF file: header, directory and values; strips or tiles follow it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from shared.codecs.tiff.types import LONG, LONG8, Entry, Order, entry

_HEADER, _BIG_HEADER = 8, 16
_MOST_CLASSIC = 2**32 - 2**16
"""Bytes of strips a file may have whose offsets have four bytes; the rest is room for its head."""


def head(
    entries: Sequence[Entry],
    order: Order,
    *,
    big: bool = False,
    below: Mapping[int, Sequence[Entry]] | None = None,
) -> bytes:
    """Header and first directory with all values; `below` are directories an entry of that tag points to."""
    size = _BIG_HEADER if big else _HEADER
    parts: list[bytes] = []
    pointers = []
    for tag, inner in (below or {}).items():
        pointers.append(entry(tag, LONG8 if big else LONG, [size], order))
        parts.append(_directory(inner, size, order, big=big))
        size += len(parts[-1])
    parts.append(_directory([*entries, *pointers], size, order, big=big))
    return _header(size, order, big=big) + b"".join(parts)


def head_with_pieces(
    entries: Sequence[Entry],
    order: Order,
    tags: tuple[int, int],
    sizes: NDArray[np.int64],
    *,
    big: bool,
    below: Mapping[int, Sequence[Entry]] | None = None,
) -> bytes:
    """As `head`, for a file whose strips or tiles of these sizes follow it; `tags`: of offsets and sizes."""
    kind = LONG8 if big else LONG
    offsets = np.cumsum(sizes) - sizes
    counts = entry(tags[1], kind, sizes, order)

    def at(start: int) -> bytes:
        placed = entry(tags[0], kind, offsets + start, order)
        return head([*entries, placed, counts], order, big=big, below=below)

    return at(len(at(0)))


def needs_big(size: int) -> bool:
    """Whether so many bytes of strips need a BigTIFF."""
    return size > _MOST_CLASSIC


def _header(first: int, order: Order, *, big: bool) -> bytes:
    mark = b"II" if order == "little" else b"MM"
    if big:
        return mark + b"".join(n.to_bytes(size, order) for n, size in ((43, 2), (8, 2), (0, 2), (first, 8)))
    return mark + (42).to_bytes(2, order) + first.to_bytes(4, order)


def _directory(entries: Sequence[Entry], at: int, order: Order, *, big: bool) -> bytes:
    """A directory at an offset, the last of its chain, followed by the values that it has no room for."""
    room, width = (8, 8) if big else (4, 2)
    size = width + len(entries) * (4 + 2 * room) + room
    fixed, values, behind = [len(entries).to_bytes(width, order)], list[bytes](), at + size
    for item in sorted(entries, key=lambda item: item.tag):
        raw = bytes(item.raw)
        fixed.append(item.tag.to_bytes(2, order) + item.kind.to_bytes(2, order))
        fixed.append(item.count.to_bytes(room, order))
        if len(raw) > room:
            fixed.append(behind.to_bytes(room, order))
            values += [raw, bytes(len(raw) % 2)]  # values begin on a word (section 2)
            behind += len(raw) + len(raw) % 2
        else:
            fixed.append(raw.ljust(room, b"\0"))
    return b"".join([*fixed, bytes(room), *values])
