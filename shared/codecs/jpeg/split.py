"""Cutting a baseline JPEG into stripes that are JPEG files themselves, without decoding it.

At restart markers (T.81 E.1.4) by slicing. Between MCU rows of a file without markers by the entropy
`scan` and a `filler` row: the stripe's decoder drops the filler, behind it are the original bits.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from math import ceil, gcd, lcm
from typing import TypeAlias

import numpy as np

from shared.codecs.jpeg.bits import bits_between
from shared.codecs.jpeg.filler import FillerComponent, filler_row
from shared.codecs.jpeg.markers import APP0, APP14, DHT, DQT, EOI, RST0, SOF0, SOF1, JpegHeader
from shared.codecs.jpeg.restarts import EntropySegment, before_fill, entropy_segment
from shared.codecs.jpeg.scan import EntropyScan, blocks_of
from shared.codecs.limits import Limits
from shared.codecs.pages import passed
from shared.codecs.stripes import Stripe
from shared.problems import MalformedImage

_SAMPLINGS = {(1, 1), (2, 1), (1, 2), (2, 2), (4, 1), (1, 4)}
"""Luma factors, with chroma at 1 x 1, that TurboJPEG knows (turbojpeg.h, enum TJSAMP)."""
_EOI = bytes((0xFF, EOI))
_MAX_TABLE_BYTES = 8 << 10
"""All tables there can be take 3 kB (B.2.4.1, B.2.4.2); each stripe and band carries them."""
_BALANCED = 16
"""A border may be moved by half a 16th of a stripe."""


def is_plain(jpeg: JpegHeader) -> bool:
    """Whether the first scan is the whole picture in baseline Huffman coding, grey or YCbCr.

    Such a file decodes to its Y plane alone, and its stripes can be joined.
    """
    return (
        jpeg.sof in {SOF0, SOF1}
        and jpeg.channels in {1, 3}
        and jpeg.scan.payload[0] == jpeg.channels
        and bytes(jpeg.scan.payload[-3:]) == b"\x00\x3f\x00"
        and sum(len(s.payload) for s in jpeg.segments if s.marker in {DQT, DHT}) <= _MAX_TABLE_BYTES
        and (jpeg.channels == 1 or (_is_known_sampling(jpeg) and _is_ycc(jpeg)))
    )


def _is_known_sampling(jpeg: JpegHeader) -> bool:
    luma, *chroma = jpeg.components
    return (luma.h, luma.v) in _SAMPLINGS and all((c.h, c.v) == (1, 1) for c in chroma)


def _is_ycc(jpeg: JpegHeader) -> bool:
    """Whether three components mean YCbCr, as libjpeg decides it (jdapimin.c, default_decompress_parms)."""
    if any(len(p) >= 14 and bytes(p[:5]) == b"JFIF\0" for p in jpeg.payloads(APP0)):
        return True
    adobe = [p for p in jpeg.payloads(APP14) if len(p) >= 12 and bytes(p[:5]) == b"Adobe"]
    if adobe:
        return adobe[-1][11] != 0
    return [c.id for c in jpeg.components] != [82, 71, 66]  # 'R', 'G', 'B'


def check_restarts(jpeg: JpegHeader, ecs: EntropySegment) -> None:
    """Raise `MalformedImage` unless the RSTs are exactly those the header promises (B.2.1, E.1.4).

    libjpeg resynchronises over missing or misnumbered ones without an error, and the picture shows it.
    """
    mcus = jpeg.mcus_per_row * jpeg.mcu_rows
    interval = jpeg.restart_interval
    expected = ceil(mcus / interval) - 1 if interval else 0
    if len(ecs.markers) != expected:
        raise MalformedImage.at(
            ecs.end, f"{len(ecs.markers)} restart markers where the header asks for {expected}"
        )
    wrong = np.flatnonzero(ecs.numbers != np.arange(expected) % 8)
    if wrong.size:
        raise MalformedImage.at(int(ecs.markers[wrong[0]]), "a restart marker out of order")


@dataclass(frozen=True, slots=True)
class Cuts:
    """Where a JPEG may be cut: between units, each of whole MCU rows and whole restart intervals."""

    jpeg: JpegHeader
    ecs: EntropySegment
    unit_intervals: int
    """Restart intervals in a unit; 0: a unit is an MCU row, whose borders an entropy scan has to find."""
    unit_rows: int
    """Pixel rows in a unit; the last may have fewer."""

    @property
    def needs_scan(self) -> bool:
        """Whether an entropy scan has to find where units begin."""
        return self.unit_intervals == 0

    @property
    def units(self) -> int:
        """Number of units, which is also the largest number of stripes; 1: cannot be cut."""
        return ceil(self.jpeg.height / self.unit_rows)


def find_cuts(data: memoryview, jpeg: JpegHeader) -> Cuts | None:
    """Where a plain file may be cut; None if it is not plain and only another decoder can judge it.

    Raises `MalformedImage` if its data is cut short or its restart markers are wrong.
    """
    if not is_plain(jpeg):
        return None
    ecs = entropy_segment(data, jpeg.ecs_start)
    if ecs.next_marker != EOI:
        return None
    check_restarts(jpeg, ecs)
    if not ecs.markers.size:
        return Cuts(jpeg, ecs, unit_intervals=0, unit_rows=min(jpeg.mcu_height, jpeg.height))
    mcus = lcm(jpeg.mcus_per_row, jpeg.restart_interval)
    rows = min(mcus // jpeg.mcus_per_row * jpeg.mcu_height, jpeg.height)
    return Cuts(jpeg, ecs, mcus // jpeg.restart_interval, rows)


def find_cuts_within(data: memoryview, jpeg: JpegHeader, limits: Limits) -> Cuts | None:
    """As `find_cuts`; `ImageTooLarge` if the picture, or a piece that cannot be cut, is over the limits."""
    limits.check(jpeg.width, jpeg.height, banded=True)
    found = find_cuts(data, jpeg)
    limits.check(jpeg.width, jpeg.height if found is None else found.unit_rows, banded=False)
    return found


def needs_halo(jpeg: JpegHeader) -> bool:
    """Whether RGB rows depend on chroma of the MCU rows next to them (jdsample.c, fancy upsampling)."""
    return jpeg.channels == 3 and jpeg.components[0].v > 1


def stripes(data: memoryview, where: Cuts, count: int, *, halo: bool) -> Iterator[Stripe]:
    """The picture in at most `count` stripes of about the same height, top to bottom.

    With `halo` a stripe also carries one unit of its neighbours on each inner side, as the vertical
    chroma upsampling of libjpeg needs (jdsample.c, h2v2_fancy_upsample). Where a scan finds the borders
    a stripe comes as soon as the scan has passed its end: `MalformedImage` or `UncleanScanError` where the
    data breaks, or the file's tables lack codes for a filler.
    """
    count = min(count, where.units)
    # Borders where RSTs count from 0 anyway need no copy; only where they are near enough.
    step = 8 // gcd(8, where.unit_intervals)
    step = step if where.units >= _BALANCED * step * count else 1
    bounds = [round(where.units * i / count / step) * step for i in range(count)] + [where.units]
    body = _bodies(data, where) if count > 1 else _whole_body(data, where)
    return (_stripe(where, body, *pair, halo=int(halo)) for pair in pairwise(bounds))


@dataclass(frozen=True, slots=True)
class Body:
    """The entropy-coded data of some units, for a file of their own."""

    pieces: tuple[bytes | memoryview, ...]
    filler_rows: int = 0
    """Rows that a decoder gives before those of the units."""
    restart_interval: int = 0


_Bodies: TypeAlias = Callable[[int, int], Body]
"""The body of units [first, end)."""


def _bodies(data: memoryview, where: Cuts) -> _Bodies:
    if not where.needs_scan:
        return functools.partial(_sliced, data, where)
    scan = EntropyScan(data, where.jpeg, where.ecs)
    return functools.partial(_filled, data, where, scan)


def _whole_body(data: memoryview, where: Cuts) -> _Bodies:
    """The one body that needs no borders."""
    interval = where.jpeg.restart_interval if where.ecs.markers.size else 0
    return lambda _first, _end: Body((data[where.ecs.start : where.ecs.end],), 0, interval)


def _stripe(where: Cuts, bodies: _Bodies, first: int, end: int, *, halo: int) -> Stripe:
    """Units [first, end) as a file, with `halo` units more on each side that has some."""
    outer_first, outer_end = max(first - halo, 0), min(end + halo, where.units)
    body = bodies(outer_first, outer_end)
    top, bottom, row, row_end = (
        min(unit * where.unit_rows, where.jpeg.height) for unit in (outer_first, outer_end, first, end)
    )
    height = body.filler_rows + bottom - top
    head = rebuilt_header(where.jpeg, height=height, restart_interval=body.restart_interval)
    above = body.filler_rows + row - top
    return Stripe((head, *body.pieces, _EOI), row, row_end - row, above, height)


def _filled(data: memoryview, where: Cuts, scan: EntropyScan, first: int, end: int) -> Body:
    """MCU rows [first, end) behind a filler row, which the top one does not need."""
    begin, stop = scan.border(first), scan.border(end)
    if first == 0:
        return Body(tuple(bits_between(data, "", begin.bit, stop.bit)))
    jpeg = where.jpeg
    components = [
        FillerComponent(columns * lines, dc, ac)
        for (columns, lines), (dc, ac) in zip(blocks_of(jpeg), scan.tables.coding, strict=True)
    ]
    filler = filler_row(components, jpeg.mcus_per_row, begin.predictors, begin.bit % 8)
    return Body(tuple(bits_between(data, filler, begin.bit, stop.bit)), jpeg.mcu_height)


def _sliced(data: memoryview, where: Cuts, first: int, end: int) -> Body:
    """Units [first, end) between restart markers, which count from 0."""
    ecs = where.ecs
    low, high = first * where.unit_intervals, min(end * where.unit_intervals, len(ecs.markers) + 1)
    start = int(ecs.markers[low - 1]) + 2 if low else ecs.start
    stop = ecs.end
    if high <= len(ecs.markers):
        stop = before_fill(data, int(ecs.markers[high - 1]), start)
    inner = ecs.markers[low : high - 1]
    body = data[start:stop]
    if low % 8 and inner.size:
        renumbered = np.frombuffer(body, np.uint8).copy()
        passed(data, start, stop)
        renumbered[inner - start + 1] = RST0 + np.arange(inner.size) % 8
        body = renumbered.data
    return Body((body,), 0, where.jpeg.restart_interval if inner.size else 0)


def rebuilt_header(
    jpeg: JpegHeader, *, height: int, restart_interval: int, applications: bytes | None = None
) -> bytes:
    """SOI to SOS with only the segments that matter to a decoder, so that nothing else can trip it.

    JFIF and Adobe segments stay, since they decide the colour space, unless `applications` (whole
    segments) takes their place.
    """
    applications = _colour_space(jpeg) if applications is None else applications
    kept = [s for s in jpeg.segments if s.marker in {DQT, DHT}]
    frame = bytes((8,)) + height.to_bytes(2, "big") + jpeg.width.to_bytes(2, "big")
    frame += bytes((jpeg.channels,))
    for c in jpeg.components:
        # The factors of a single component mean nothing (A.2.2), yet trip some decoders.
        factors = 0x11 if jpeg.channels == 1 else c.h << 4 | c.v
        frame += bytes((c.id, factors, c.table))
    parts = [b"\xff\xd8", applications, *(segment(s.marker, s.payload) for s in kept)]
    parts.append(segment(jpeg.sof, frame))
    if restart_interval:
        parts.append(segment(0xDD, restart_interval.to_bytes(2, "big")))
    parts.append(segment(jpeg.scan.marker, jpeg.scan.payload))
    return b"".join(parts)


def _colour_space(jpeg: JpegHeader) -> bytes:
    """The segments by which libjpeg tells the colour space, and no more of them than it reads."""
    jfif = [bytes(p[:12]) for p in jpeg.payloads(APP0) if len(p) >= 14 and bytes(p[:5]) == b"JFIF\0"]
    adobe = [bytes(p[:12]) for p in jpeg.payloads(APP14) if len(p) >= 12 and bytes(p[:5]) == b"Adobe"]
    kept = [segment(APP0, p + bytes(2)) for p in jfif[:1]]  # its thumbnail is 0 x 0
    return b"".join(kept + [segment(APP14, p) for p in adobe[-1:]])


def segment(marker: int, payload: bytes | memoryview) -> bytes:
    """A marker segment with its length (B.1.1.4)."""
    return bytes((0xFF, marker)) + (len(payload) + 2).to_bytes(2, "big") + payload
