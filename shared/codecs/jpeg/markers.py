"""The marker structure of a JPEG file (ITU-T T.81 annex B), as a value that no bytes can break.

`parse` reads up to and including the first SOS; `entropy_segment` finds where its data ends;
`check_ends` walks to the EOI. Every length is checked before it is used. As in libjpeg, junk
between segments is skipped: the marker after it decides.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from math import ceil
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from shared.codecs.jit import READ_ONLY, Bytes, kernel
from shared.codecs.limits import DEFAULTS, Limits
from shared.codecs.pages import passed
from shared.problems import MalformedImage, UnsupportedFormat

SOI, EOI, SOS, DQT, DHT, DRI, DNL, TEM = 0xD8, 0xD9, 0xDA, 0xDB, 0xC4, 0xDD, 0xDC, 0x01
RST0, RST7 = 0xD0, 0xD7
APP0, APP1, APP2, APP13, APP14, COM = 0xE0, 0xE1, 0xE2, 0xED, 0xEE, 0xFE
SOF0, SOF1, SOF2 = 0xC0, 0xC1, 0xC2
_FRAMES_READ = {SOF0, SOF1, SOF2, 0xC9, 0xCA}
"""Baseline, extended, progressive, and the latter two with arithmetic coding: what libjpeg reads."""
_FRAMES = {*range(0xC0, 0xD0)} - {DHT, 0xC8, 0xCC}
_BESIDE = {*range(APP0, 0xF0), COM}
"""What holds metadata (B.2.4.5, B.2.4.6)."""
_AFTER_A_SCAN = {*range(APP0, 0xF0), COM, DHT, DQT, DRI, DNL, SOS, EOI, 0xCC}
"""Markers that may follow entropy-coded data (B.2.1, B.2.4); any other is damage."""

_MARKER = re.compile(rb"\xff[^\x00\xff]", re.DOTALL)
_FILL_WINDOW = 256
_U = np.uint64
_BLOCK = 256
"""Bytes that are looked at together for a marker, as vectors; only where one is, byte by byte."""
_RESTARTS_AT_A_TIME = 1 << 12
_WINDOW = 1 << 24
"""Bytes that are looked through at a time."""


Offsets: TypeAlias = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Segment:
    """A marker segment: its code and its payload (without marker and length)."""

    marker: int
    payload: memoryview


@dataclass(frozen=True, slots=True)
class Component:
    """One component of the frame header (B.2.2)."""

    id: int
    h: int
    v: int
    table: int


@dataclass(frozen=True, slots=True)
class JpegHeader:
    """Everything up to and including the first scan header."""

    segments: tuple[Segment, ...]
    sof: int
    width: int
    height: int
    components: tuple[Component, ...]
    restart_interval: int
    """In MCUs; 0 when restart is off."""
    scan: Segment
    ecs_start: int
    """Offset of the first byte of entropy-coded data."""

    @property
    def channels(self) -> int:
        """Number of components."""
        return len(self.components)

    @property
    def mcu_width(self) -> int:
        """Pixels an MCU spans; 8 when there is one component, whose factors do not count (A.2.2)."""
        return 8 if self.channels == 1 else 8 * max(c.h for c in self.components)

    @property
    def mcu_height(self) -> int:
        """Rows an MCU spans."""
        return 8 if self.channels == 1 else 8 * max(c.v for c in self.components)

    @property
    def mcus_per_row(self) -> int:
        """MCUs side by side, the last one perhaps partly outside the image."""
        return ceil(self.width / self.mcu_width)

    @property
    def mcu_rows(self) -> int:
        """MCU rows, the last one perhaps partly outside the image."""
        return ceil(self.height / self.mcu_height)

    def payloads(self, marker: int) -> list[memoryview]:
        """The payloads of all segments of one kind, in file order."""
        return [segment.payload for segment in self.segments if segment.marker == marker]


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


def parse(data: memoryview, limits: Limits = DEFAULTS) -> JpegHeader:
    """The header of a JPEG file.

    Raises `MalformedImage` with the offset where the structure breaks, `ImageTooLarge`, `UnsupportedFormat`
    for frames that libjpeg does not read (lossless, hierarchical, 12 bit).
    """
    if bytes(data[:2]) != b"\xff\xd8":
        raise MalformedImage.at(0, "no SOI marker")
    segments: list[Segment] = []
    frame: Segment | None = None
    offset, beside = 2, 0
    while True:
        marker, offset = _next_marker(data, offset)
        if RST0 <= marker <= RST7 or marker == TEM:
            continue
        if marker in {SOI, EOI}:
            raise MalformedImage.at(offset, "a second SOI, or EOI before any scan")
        segment, offset = _segment(data, marker, offset)
        segments.append(segment)
        limits.within("max_segments", "the number of segments before the first scan", len(segments))
        if marker in _BESIDE:
            beside += len(segment.payload)
            limits.within("max_metadata_bytes", "the metadata in bytes", beside)
        if marker in _FRAMES:
            if frame is not None:
                raise MalformedImage.at(offset, "a second frame header")
            frame = segment
        elif marker == SOS:
            if frame is None:
                raise MalformedImage.at(offset, "a scan before any frame header")
            return _header(segments, frame, offset)


def _next_marker(data: memoryview, offset: int) -> tuple[int, int]:
    """The next marker's code and the offset behind it, junk and fill bytes skipped (B.1.1.2)."""
    found = _MARKER.search(data, offset)
    if found is None:
        raise MalformedImage.at(len(data), "the file ends where a marker should be")
    return data[found.end() - 1], found.end()


def _segment(data: memoryview, marker: int, offset: int) -> tuple[Segment, int]:
    length = int.from_bytes(data[offset : offset + 2], "big")
    end = offset + length
    if length < 2 or end > len(data):
        raise MalformedImage.at(offset, f"segment {marker:02X} has length {length}")
    return Segment(marker, data[offset + 2 : end]), end


def _header(segments: list[Segment], frame: Segment, ecs_start: int) -> JpegHeader:
    height, width, components = _frame(frame, ecs_start)
    intervals = [s.payload for s in segments if s.marker == DRI]
    if any(len(payload) != 2 for payload in intervals):
        raise MalformedImage.at(ecs_start, "a DRI segment of the wrong length")
    scan = segments[-1]
    if len(scan.payload) < 1 or len(scan.payload) != 4 + 2 * scan.payload[0]:
        raise MalformedImage.at(ecs_start, "a scan header of the wrong length")
    return JpegHeader(
        segments=tuple(segments),
        sof=frame.marker,
        width=width,
        height=height,
        components=components,
        restart_interval=int.from_bytes(intervals[-1], "big") if intervals else 0,
        scan=scan,
        ecs_start=ecs_start,
    )


def _frame(frame: Segment, offset: int) -> tuple[int, int, tuple[Component, ...]]:
    """Height, width and components of a frame header (B.2.2)."""
    if frame.marker not in _FRAMES_READ:
        raise UnsupportedFormat(f"a JPEG frame of kind SOF{frame.marker - SOF0} is not supported")
    payload = frame.payload
    if len(payload) < 6 or len(payload) != 6 + 3 * payload[5]:
        raise MalformedImage.at(offset, "a frame header of the wrong length")
    if payload[0] != 8:
        raise UnsupportedFormat(f"a JPEG of {payload[0]} bits a sample is not supported")
    height, width = int.from_bytes(payload[1:3], "big"), int.from_bytes(payload[3:5], "big")
    components = tuple(
        Component(payload[i], payload[i + 1] >> 4, payload[i + 1] & 15, payload[i + 2])
        for i in range(6, len(payload), 3)
    )
    if height == 0 or width == 0 or not components:
        raise MalformedImage.at(offset, f"a frame of {width} x {height}, {len(components)} comp.")
    if any(not (1 <= c.h <= 4 and 1 <= c.v <= 4) for c in components):
        raise MalformedImage.at(offset, "a sampling factor outside 1..4")
    return height, width, components


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
    start, scan, marker = header.ecs_start, 0, SOS
    while marker != EOI:
        scan += 1
        limits.within("max_scans", "the number of scans", scan)
        ecs = entropy_segment(data, start)
        marker, offset = ecs.next_marker, ecs.next_offset
        while marker not in {SOS, EOI}:
            _, offset = _segment(data, marker, offset)
            marker, offset = _next_marker(data, offset)
        if marker == SOS:
            _, start = _segment(data, SOS, offset)
    return scan
