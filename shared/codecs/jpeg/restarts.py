"""Entropy-coded data of a JPEG file: where it ends, and where its restart markers are (ITU-T T.81 B.1).

`entropy_segment` looks through one; `check_ends` walks from scan to scan to the EOI. No codes are read.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from shared.codecs.jit import READ_ONLY, Bytes, kernel
from shared.codecs.jpeg.markers import (
    APP0,
    COM,
    DHT,
    DNL,
    DQT,
    DRI,
    EOI,
    RST0,
    SOS,
    JpegHeader,
    next_marker,
    segment_at,
)
from shared.codecs.limits import DEFAULTS, Limits
from shared.codecs.pages import passed
from shared.problems import MalformedImage

_AFTER_A_SCAN = {*range(APP0, 0xF0), COM, DHT, DQT, DRI, DNL, SOS, EOI, 0xCC}
"""Markers that may follow entropy-coded data (B.2.1, B.2.4); any other is damage."""
_FILL_WINDOW = 256
_U = np.uint64
_BLOCK = 256
"""Bytes that are looked at together for a marker, as vectors; only where one is, byte by byte."""
_RESTARTS_AT_A_TIME = 1 << 12
_WINDOW = 1 << 24
"""Bytes that are looked through at a time."""

Offsets: TypeAlias = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class EntropySegment:
    """The entropy-coded data of one scan."""

    start: int
    end: int
    """Offset behind its last byte, fill bytes not included."""
    markers: Offsets
    """Offsets of the 0xFF of each RST, ascending."""
    numbers: NDArray[np.uint8]
    """m of each RSTm."""
    filled: NDArray[np.bool_]
    """Whether fill bytes stand before it."""
    next_marker: int
    """Code of the marker that ends it."""
    next_offset: int
    """Offset behind that marker's two bytes."""


def entropy_segment(data: memoryview, start: int) -> EntropySegment:
    """The entropy-coded data that begins at `start`.

    It ends at the first 0xFF that is followed by neither 00 (stuffing), FF (fill) nor an RST;
    searching for EOI from the end would take in what phones append. `MalformedImage` if it never
    ends, or ends at a marker that cannot follow it.
    """
    view = np.frombuffer(data, np.uint8)
    markers, numbers, filled = list[Offsets](), list[NDArray[np.uint8]](), list[NDArray[np.bool_]]()
    offset = start
    while offset < len(view):
        begin, window = offset, view[: offset + _WINDOW]
        found = np.empty(_RESTARTS_AT_A_TIME, np.int64)
        count, offset = _find_restarts(window, begin, found)
        markers.append(found[:count])
        numbers.append((view[found[:count] + 1] & 7).astype(np.uint8))
        filled.append(view[found[:count] - 1] == 0xFF)
        passed(data, begin, offset)
        if count < len(found) and offset < len(window):
            lists = np.concatenate(markers), np.concatenate(numbers), np.concatenate(filled)
            return _entropy_segment(data, start, offset, *lists)
        if len(window) < len(view):
            offset = min(offset, len(window) - 1)  # its last byte may be half a marker
    raise MalformedImage.at(len(data), "the file ends inside entropy-coded data")


def _entropy_segment(
    data: memoryview,
    start: int,
    end: int,
    markers: Offsets,
    numbers: NDArray[np.uint8],
    filled: NDArray[np.bool_],
) -> EntropySegment:
    if data[end + 1] not in _AFTER_A_SCAN:
        raise MalformedImage.at(end, f"marker {data[end + 1]:02X} inside entropy-coded data")
    return EntropySegment(
        start=start,
        end=before_fill(data, end, start),
        markers=markers,
        numbers=numbers,
        filled=filled,
        next_marker=data[end + 1],
        next_offset=end + 2,
    )


@kernel(f"Tuple((int64, int64))({READ_ONLY}, int64, int64[::1])")
def _find_restarts(data: Bytes, offset: int, found: Offsets) -> tuple[int, int]:
    """Fill `found` with the offsets of RSTs from `offset` on; how many, and where it stopped.

    It stops where `found` is full, at the 0xFF of any other marker, or at the end of the data.
    """
    count, place, end = 0, _U(offset), _U(len(data) - 1)
    while place < end:
        block = min(place + _U(_BLOCK), end)
        marked = False
        for i in range(place, block):
            marked |= (data[i] == 0xFF) & (data[i + _U(1)] != 0)
        while marked and place < block:
            code = data[place + _U(1)]
            if data[place] != 0xFF or code in {0x00, 0xFF}:
                place += _U(1)
            elif code & 0xF8 == RST0 and count < len(found):
                found[count] = place
                count += 1
                place += _U(2)
            else:
                return count, int(place)
        place = max(place, block)
    return count, len(data)


def before_fill(data: memoryview, offset: int, start: int) -> int:
    """`offset`, moved back over the fill bytes before it (B.1.1.2)."""
    while offset > start:
        window = bytes(data[max(start, offset - _FILL_WINDOW) : offset])
        kept = window.rstrip(b"\xff")
        offset -= len(window) - len(kept)
        if kept:
            break
    return offset


def check_ends(data: memoryview, header: JpegHeader, limits: Limits = DEFAULTS) -> int:
    """How many scans the file has; `MalformedImage` if it does not go on to an EOI, `ImageTooLarge`."""
    start, scan, segments, marker = header.ecs_start, 0, 0, SOS
    while marker != EOI:
        scan += 1
        limits.within("max_scans", "the number of scans", scan)
        ecs = entropy_segment(data, start)
        marker, offset = ecs.next_marker, ecs.next_offset
        while marker not in {SOS, EOI}:
            segments += 1
            limits.within("max_segments", "the number of segments behind the first scan", segments)
            _, offset = segment_at(data, marker, offset)
            marker, offset = next_marker(data, offset)
        if marker == SOS:
            _, start = segment_at(data, SOS, offset)
    return scan
