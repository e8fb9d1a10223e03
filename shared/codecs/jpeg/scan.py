"""The entropy scan: where in a JPEG without restart markers each MCU row begins (ITU-T T.81 annex F).

A decoder that enters the middle of a scan lacks the bit position and the DC predictors. Both come out
of walking all codes before it, which costs a third of decoding them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from shared.codecs.jpeg import entropy, huffman
from shared.codecs.jpeg.huffman import AC, DC, HuffmanTable, Lookup
from shared.codecs.jpeg.markers import JpegHeader
from shared.codecs.jpeg.restarts import EntropySegment
from shared.codecs.pages import passed
from shared.problems import MalformedImage

_WHAT = {
    entropy.BAD_CODE: "a code that no Huffman table has",
    entropy.OVERSHOT: "a block of more than 64 coefficients",
    entropy.ENDED_EARLY: "entropy-coded data ends before its last MCU",
    entropy.LEFT_OVER: "entropy-coded data goes on behind its last MCU",
    entropy.TOO_LARGE: "a DC difference of more than 11 bits",
    entropy.OUT_OF_RANGE: "a DC coefficient of more than 11 bits",
}


_WALK_BYTES = 1 << 24
"""Entropy-coded data that is walked at a time, about."""
_DATA_IS_LOST = {entropy.ENDED_EARLY}
"""Of a code that no table has libjpeg may say nothing (jdhuff.c, decode_mcu_fast), or last another thing."""


class UncleanScanError(Exception):
    """The data is not clean, yet none is missing: a more tolerant decoder must look at the whole file."""


def failure(status: int, bit: int) -> MalformedImage | UncleanScanError:
    """What a loop of `entropy` found at a bit of the file, in the two ways that libjpeg's warnings have."""
    if status in _DATA_IS_LOST:
        return MalformedImage.at(bit >> 3, _WHAT[status])
    return UncleanScanError(f"{_WHAT[status]} (byte {bit >> 3})")


@dataclass(frozen=True, slots=True)
class Border:
    """Where an MCU row begins."""

    bit: int
    """Its first bit, counted from the first of the file; stuffed zeros count."""
    predictors: tuple[int, ...]
    """DC predictor of each component."""


@dataclass(frozen=True, slots=True)
class ScanTables:
    """What the loops of `entropy` need to know of a scan."""

    coding: tuple[tuple[HuffmanTable, HuffmanTable], ...]
    """DC and AC table of each component."""
    blocks: NDArray[np.int64]
    """Component, place in the look-up tables, column and line of each block of an MCU (A.2.3)."""
    dc: Lookup
    ac: Lookup
    skips: Lookup


def blocks_of(jpeg: JpegHeader) -> list[tuple[int, int]]:
    """Columns and lines of blocks that each component has in an MCU; one component alone has one (A.2.2)."""
    return [(1, 1)] if jpeg.channels == 1 else [(c.h, c.v) for c in jpeg.components]


def scan_tables(jpeg: JpegHeader) -> ScanTables:
    """The tables of a scan with all components; `MalformedImage` if one is missing or is none."""
    found = huffman.tables(jpeg)
    selectors = bytes(jpeg.scan.payload[1 : 1 + 2 * jpeg.channels])
    order = {selectors[i]: selectors[i + 1] for i in range(0, len(selectors), 2)}
    try:
        chosen = [order[component.id] for component in jpeg.components]
        coding = tuple((found[DC, both >> 4], found[AC, both & 15]) for both in chosen)
    except KeyError as exc:
        raise MalformedImage("the scan names a component or a Huffman table that is not there") from exc
    different = list(dict.fromkeys(coding))
    blocks = [
        (component, different.index(coding[component]), column, line)
        for component, (columns, lines) in enumerate(blocks_of(jpeg))
        for line in range(lines)
        for column in range(columns)
    ]
    return ScanTables(
        coding,
        np.array(blocks, np.int64),
        np.stack([huffman.lookup(dc) for dc, _ in different]),
        np.stack([huffman.lookup(ac) for _, ac in different]),
        np.stack([huffman.skipping(ac) for _, ac in different]),
    )


class EntropyScan:
    """Borders of the MCU rows of a scan in one restart interval, found on demand from top to bottom."""

    def __init__(self, data: memoryview, jpeg: JpegHeader, ecs: EntropySegment) -> None:
        self._file = data
        self._data = np.frombuffer(data, np.uint8)
        self._jpeg = jpeg
        self._ecs = ecs
        self.tables = scan_tables(jpeg)
        self._row = 0
        self._bits = np.zeros(jpeg.mcu_rows + 1, np.int64)
        self._bits[0] = ecs.start * 8
        self._predictors = np.zeros((jpeg.mcu_rows + 1, 4), np.int64)

    def border(self, row: int) -> Border:
        """The start of an MCU row, or the end of the last.

        Raises `MalformedImage` with the offset where the data up to there breaks, or `UncleanScanError`.
        """
        step = max(self._jpeg.mcu_rows * _WALK_BYTES // (self._ecs.end - self._ecs.start + 1), 1)
        while row > self._row:
            self._walk(min(self._row + step, row))
        return Border(int(self._bits[row]), tuple(self._predictors[row, : self._jpeg.channels].tolist()))

    def _walk(self, row: int) -> None:
        tables, jpeg = self.tables, self._jpeg
        status = entropy.scan_rows(
            self._data,
            self._ecs.start,
            self._ecs.end,
            tables.dc,
            tables.ac,
            tables.skips,
            tables.blocks,
            jpeg.mcus_per_row,
            self._row,
            row,
            self._bits,
            self._predictors,
        )
        if status != entropy.OK:
            raise failure(status, min(int(self._bits[self._row]), 8 * self._ecs.end))
        passed(self._file, int(self._bits[self._row]) >> 3, int(self._bits[row]) >> 3)
        self._row = row
