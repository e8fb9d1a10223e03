"""The marker structure of a JPEG file (ITU-T T.81 annex B), as a value that no bytes can break.

`parse` reads up to and including the first SOS; what follows is for `restarts`. Every length is checked
before it is used. As in libjpeg, junk between segments is skipped: the marker after it decides.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from math import ceil

from shared.codecs.limits import DEFAULTS, Limits
from shared.problems import MalformedImage, UnsupportedFormat

SOI, EOI, SOS, DQT, DHT, DRI, DNL, TEM = 0xD8, 0xD9, 0xDA, 0xDB, 0xC4, 0xDD, 0xDC, 0x01
RST0, RST7 = 0xD0, 0xD7
APP0, APP1, APP2, APP13, APP14, COM = 0xE0, 0xE1, 0xE2, 0xED, 0xEE, 0xFE
SOF0, SOF1, SOF2 = 0xC0, 0xC1, 0xC2
_FRAMES_READ = {SOF0, SOF1, SOF2, 0xC9, 0xCA}
"""Baseline, extended, progressive, and the latter two with arithmetic coding: what libjpeg reads."""
_FRAMES = {*range(0xC0, 0xD0), 0xF7} - {DHT, 0xC8, 0xCC}
"""Of all kinds, JPEG-LS' too (ITU-T T.87 C.1)."""
_COMPONENTS_READ = {1, 3, 4}
_BESIDE = {*range(APP0, 0xF0), COM}
"""What holds metadata (B.2.4.5, B.2.4.6)."""
ICC = b"ICC_PROFILE\0"
"""What an APP2 segment begins with that holds a piece of a profile; its number and their count follow."""
_MARKER = re.compile(rb"\xff[^\x00\xff]", re.DOTALL)


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
        marker, offset = next_marker(data, offset)
        if RST0 <= marker <= RST7 or marker == TEM:
            continue
        if marker in {SOI, EOI}:
            raise MalformedImage.at(offset, "a second SOI, or EOI before any scan")
        segment, offset = segment_at(data, marker, offset)
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
            _check_profile(segments, limits)
            return _header(segments, frame, offset)


def _check_profile(segments: list[Segment], limits: Limits) -> None:
    pieces = [s.payload for s in segments if s.marker == APP2 and bytes(s.payload[: len(ICC)]) == ICC]
    size = sum(max(len(piece) - len(ICC) - 2, 0) for piece in pieces)
    limits.within("max_profile_bytes", "the ICC profile in bytes", size)


def next_marker(data: memoryview, offset: int) -> tuple[int, int]:
    """The next marker's code and the offset behind it, junk and fill bytes skipped (B.1.1.2)."""
    found = _MARKER.search(data, offset)
    if found is None:
        raise MalformedImage.at(len(data), "the file ends where a marker should be")
    return data[found.end() - 1], found.end()


def segment_at(data: memoryview, marker: int, offset: int) -> tuple[Segment, int]:
    """The segment of a marker whose length stands at an offset, and the offset behind it."""
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
    if len(components) not in _COMPONENTS_READ:
        raise UnsupportedFormat(f"a JPEG of {len(components)} components is not supported")
    if any(not (1 <= c.h <= 4 and 1 <= c.v <= 4) for c in components):
        raise MalformedImage.at(offset, "a sampling factor outside 1..4")
    return height, width, components
