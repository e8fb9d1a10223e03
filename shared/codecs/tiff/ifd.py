"""Reading one image file directory of a TIFF (TIFF 6.0 section 2; BigTIFF: libtiff, bigtiff.rst).

One rule: no number of the file is used before it was checked against the file's size. Only the directory
that is asked for is read, so chains and loops of directories cost nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from shared.codecs.limits import DEFAULTS, Limits
from shared.codecs.tiff.types import TYPES, UNSIGNED, Entry, Order, is_big, number_type
from shared.problems import MalformedImage

_TAIL = 4
"""Bytes of a classic entry's value, of its count, and of the link to the next directory."""
_BIG_TAIL = 8


@dataclass(frozen=True, slots=True)
class Directory:
    """The entries of one directory, by tag: of those with the same tag the first one.

    Entries of unknown types, and those whose values lie outside of the file, are left out.
    """

    order: Order
    entries: dict[int, Entry]
    next: int
    """Offset of the next directory, 0 if there is none in the file."""

    def numbers(self, tag: int) -> NDArray[np.unsignedinteger]:
        """The unsigned whole numbers of an entry; none if it is not there or of another type.

        As they stand in the file, which may claim hundreds of millions: nothing is copied.
        """
        entry = self.entries.get(tag)
        if entry is None or entry.kind not in UNSIGNED:
            return np.empty(0, np.uint64)
        return np.frombuffer(entry.raw, number_type(entry.kind, self.order))

    def number(self, tag: int, default: int) -> int:
        """The first number of an entry."""
        numbers = self.numbers(tag)
        return int(numbers[0]) if numbers.size else default

    def size(self, tags: Iterable[int]) -> int:
        """Bytes of the values of some entries."""
        return sum(len(self.entries[tag].raw) for tag in tags if tag in self.entries)

    def raw(self, tag: int) -> bytes | None:
        """The bytes of an entry."""
        entry = self.entries.get(tag)
        return None if entry is None else bytes(entry.raw)


class _Reader:
    """Numbers of a file; `MalformedImage` for those that lie outside."""

    def __init__(self, data: memoryview) -> None:
        self.data = data
        self.order: Order = "little" if bytes(data[:2]) == b"II" else "big"
        self.big = is_big(data)
        self.tail = _BIG_TAIL if self.big else _TAIL

    def number(self, offset: int, size: int) -> int:
        raw = self.data[offset : offset + size]
        if len(raw) != size:
            raise MalformedImage.at(len(self.data), "the file ends within a TIFF directory")
        return int.from_bytes(raw, self.order)

    def entry(self, offset: int) -> Entry | None:
        """The entry at an offset (section 2, "IFD Entry"), or None if it has no value in the file."""
        tag, kind = self.number(offset, 2), self.number(offset + 2, 2)
        count = self.number(offset + 4, self.tail)
        size = TYPES.get(kind, 0) * count
        value = offset + 4 + self.tail
        if size > self.tail:
            value = self.number(value, self.tail)
        raw = self.data[value : value + size] if value <= len(self.data) else self.data[:0]
        return Entry(tag, kind, raw) if raw and len(raw) == size else None


def first_directory(data: memoryview, limits: Limits = DEFAULTS) -> Directory:
    """The first directory of a file; raises as `directory_at`."""
    reader = _Reader(data)
    if reader.big and (reader.number(4, 2), reader.number(6, 2)) != (8, 0):
        raise MalformedImage("a BigTIFF whose offsets have not eight bytes")
    return directory_at(data, reader.number(8 if reader.big else 4, reader.tail), limits)


def directory_at(data: memoryview, offset: int, limits: Limits = DEFAULTS) -> Directory:
    """The directory at an offset; `MalformedImage` if it does not lie in the file, `ImageTooLarge`."""
    reader = _Reader(data)
    width = 8 if reader.big else 2
    count = reader.number(offset, width)
    if not count:
        raise MalformedImage.at(offset, "a TIFF directory without entries")
    limits.within("max_tiff_entries", "the number of entries in a directory", count)
    step, begin = 4 + 2 * reader.tail, offset + width
    entries: dict[int, Entry] = {}
    for at in range(begin, begin + step * count, step):
        entry = reader.entry(at)
        if entry is not None:
            entries.setdefault(entry.tag, entry)
    try:
        link = reader.number(begin + step * count, reader.tail)
    except MalformedImage:
        link = 0  # a last directory whose link was left out: every reader takes it
    return Directory(reader.order, entries, link if link < len(data) else 0)
