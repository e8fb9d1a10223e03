"""Joining grey JPEG stripes into one JPEG without decoding them (T.81 E.1.4).

Every stripe has one RST per block row (`encode`), so stripes of any MCU-row height join: one header,
the entropy-coded segments with their RSTs counted on, and an RST between two of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil

import numpy as np

from shared.codecs.jpeg.markers import DHT, DQT, EOI, RST0, SOF0, SOF1, JpegHeader, parse
from shared.codecs.jpeg.restarts import EntropySegment, entropy_segment
from shared.codecs.jpeg.split import rebuilt_header
from shared.codecs.pages import passed
from shared.problems import MalformedImage


@dataclass(frozen=True, slots=True)
class JpegPart:
    """A grey stripe that was looked at and can be merged."""

    data: memoryview
    jpeg: JpegHeader
    ecs: EntropySegment


def part(data: memoryview, width: int, rows: int) -> JpegPart:
    """A stripe as a worker returned it; `MalformedImage` if it is not what was asked for."""
    jpeg = parse(data)
    shape = (jpeg.sof in {SOF0, SOF1}, jpeg.channels, jpeg.width, jpeg.height)
    if shape != (True, 1, width, rows):
        raise MalformedImage(f"a grey stripe of {width} x {rows} came back as {shape}")
    ecs = entropy_segment(data, jpeg.ecs_start)
    block_rows = ceil(rows / 8)
    complete = len(ecs.markers) == block_rows - 1 and ecs.next_marker == EOI
    in_order = complete and bool(np.all(ecs.numbers == np.arange(block_rows - 1) % 8))
    if not in_order or jpeg.restart_interval != ceil(width / 8):
        raise MalformedImage("a grey stripe came back without one restart marker per block row")
    return JpegPart(data, jpeg, ecs)


def merge(parts: Sequence[JpegPart], applications: bytes = b"") -> list[bytes | memoryview]:
    """One JPEG file in pieces, stripes top to bottom. Renumbers the stripes' RSTs in place.

    Raises `MalformedImage` if the stripes' tables differ.
    """
    first = parts[0].jpeg
    for other in parts[1:]:
        if any(first.payloads(kind) != other.jpeg.payloads(kind) for kind in (DQT, DHT)):
            raise MalformedImage("grey stripes came back with different tables")
    height = sum(p.jpeg.height for p in parts)
    pieces: list[bytes | memoryview] = [
        rebuilt_header(
            first,
            height=height,
            restart_interval=first.restart_interval,
            applications=applications,
        )
    ]
    number = 0
    for p in parts:
        if number:
            pieces.append(bytes((0xFF, RST0 + (number - 1) % 8)))
        _renumber(p, number)
        pieces.append(p.data[p.ecs.start : p.ecs.end])
        number += len(p.ecs.markers) + 1
    return [*pieces, bytes((0xFF, EOI))]


def _renumber(p: JpegPart, first: int) -> None:
    if first % 8:
        numbers = (first + np.arange(len(p.ecs.markers))) % 8
        np.frombuffer(p.data, np.uint8)[p.ecs.markers + 1] = RST0 + numbers
        passed(p.data, 0, len(p.data))
