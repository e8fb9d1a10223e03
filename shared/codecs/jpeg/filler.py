"""The filler: one synthetic MCU row that lets a JPEG begin in the middle of another one's data.

It brings the DC predictors to where the copied rows expect them, and its length in bits puts them at
the right place in a byte. The decoder of the stripe drops it. Every code is one of the file's own tables.
"""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import ceil

from shared.codecs.jpeg.huffman import HuffmanTable
from shared.codecs.jpeg.scan import UncleanScanError

_BLOCK = 64
_ZERO_RUN = 0xF0
"""ZRL: 16 zero coefficients (F.1.2.2)."""
_LARGEST_CATEGORY = 11
"""Of a DC difference in 8-bit baseline (table F.1)."""


class CannotFillError(UncleanScanError):
    """The tables lack the codes that a filler needs; optimised tables of small pictures may."""


@dataclass(frozen=True, slots=True)
class FillerComponent:
    """One component of the row."""

    blocks: int
    """Blocks in an MCU."""
    dc: HuffmanTable
    ac: HuffmanTable


def filler_row(
    components: Sequence[FillerComponent], mcus: int, predictors: Sequence[int], phase: int
) -> str:
    """An MCU row as a string of bits, so many that their count modulo 8 is `phase`.

    Behind it the DC predictors are as given. Raises `CannotFillError`.
    """
    rows = [
        _Row(component, predictor, component.blocks * mcus)
        for component, predictor in zip(components, predictors, strict=True)
    ]
    _stretch(rows, (phase - sum(row.bits for row in rows)) % 8)
    written = max(ceil(len(row.special) / row.component.blocks) for row in rows)
    head = "".join(
        row.block(mcu * row.component.blocks + i) for mcu in range(written) for row, i in _mcu(rows)
    )
    return head + "".join(row.usual for row, _ in _mcu(rows)) * (mcus - written)


def _mcu(rows: Sequence[_Row]) -> Iterator[tuple[_Row, int]]:
    """The blocks of an MCU in their order (A.2.3)."""
    return ((row, i) for row in rows for i in range(row.component.blocks))


class _Row:
    """The blocks of one component: some special ones first, then all alike, flat and without a step."""

    def __init__(self, component: FillerComponent, predictor: int, count: int) -> None:
        self.component = component
        codings = flat_blocks(component.ac)
        steps = {symbol: _bits(code, length) for symbol, code, length in component.dc.codes()}
        if 0 not in steps or not any(codings):
            raise CannotFillError("no code for a block like the one before it")
        flat = min(filter(None, codings), key=len)
        self.usual = steps[0] + flat
        self.special = [
            steps[step.bit_length()] + _amplitude(step) + flat
            for step in _steps(predictor, steps.keys() - {0})
        ]
        if len(self.special) > count:
            raise CannotFillError("too few blocks to reach a DC predictor")
        self._count = count
        self._flat = flat
        self._stretched = 0
        self.stretches = {(len(other) - len(flat)) % 8: other for other in codings if other is not None}
        """By how many bits modulo 8 another coding makes a block longer."""

    @property
    def bits(self) -> int:
        return sum(map(len, self.special)) + (self._count - len(self.special)) * len(self.usual)

    def block(self, place: int) -> str:
        return self.special[place] if place < len(self.special) else self.usual

    def stretch(self, coding: str) -> None:
        """Use another coding for one more block."""
        if self._stretched == len(self.special):
            self.special.append(self.usual)
        if self._stretched >= self._count:
            raise CannotFillError("too few blocks to reach the bit position")
        step = self.special[self._stretched].removesuffix(self._flat)
        self.special[self._stretched] = step + coding
        self._stretched += 1


def _stretch(rows: Sequence[_Row], missing: int) -> None:
    """Make the row longer by `missing` bits modulo 8, with other codings for as few blocks as possible."""
    paths: dict[int, list[tuple[_Row, str]]] = {0: []}
    reached = deque([0])
    while missing not in paths and reached:
        gone = reached.popleft()
        for row in rows:
            for by, coding in row.stretches.items():
                if (gone + by) % 8 not in paths:
                    paths[(gone + by) % 8] = [*paths[gone], (row, coding)]
                    reached.append((gone + by) % 8)
    if missing not in paths:
        raise CannotFillError("no combination of codes has the length that the bit position asks for")
    for row, coding in paths[missing]:
        row.stretch(coding)


def _bits(code: int, length: int) -> str:
    return f"{code:0{length}b}"


def _amplitude(value: int) -> str:
    """The additional bits of a DC difference (F.1.2.1.1): its own, or those of value - 1 if negative."""
    size = value.bit_length()
    return _bits(value if value > 0 else value + (1 << size) - 1, size)


def _steps(target: int, categories: set[int]) -> list[int]:
    """Differences of these categories that add up to `target`."""
    usable = sorted(c for c in categories if c <= _LARGEST_CATEGORY)
    sign, left, steps = (-1 if target < 0 else 1), abs(target), list[int]()
    while left:
        fitting = [c for c in usable if 1 << (c - 1) <= left]
        if fitting:
            step = min(left, (1 << fitting[-1]) - 1)
            steps.append(sign * step)
            left -= step
        elif usable:  # there and a little less back
            back = 1 << (usable[0] - 1)
            return [*steps, sign * (back + left), -sign * back]
        else:
            raise CannotFillError("no code for any DC difference")
    return steps


@lru_cache(maxsize=16)
def flat_blocks(table: HuffmanTable) -> tuple[str | None, ...]:
    """The shortest AC coding of a block for each length modulo 8, as bits; None where there is none.

    The shortest path over (coefficient, length modulo 8) from the first AC coefficient to the end of the
    block, which an EOB reaches from anywhere, else a code for the last coefficient.
    """
    codes = _distinct(table)
    found: list[str | None] = [None] * 8
    heap: list[tuple[int, int, str]] = [(0, 1, "")]
    seen: set[tuple[int, int]] = set()
    while heap and not all(found):
        length, coefficient, bits = heapq.heappop(heap)
        if (coefficient, length % 8) in seen:
            continue
        seen.add((coefficient, length % 8))
        if coefficient == _BLOCK:
            found[length % 8] = bits
            continue
        for ahead, code in codes:
            reached = _BLOCK if ahead == 0 else coefficient + ahead
            if reached <= _BLOCK:
                heapq.heappush(heap, (length + len(code), reached, bits + code))
    return tuple(found)


def _distinct(table: HuffmanTable) -> list[tuple[int, str]]:
    """(coefficients ahead, 0 for EOB; bits) of each code, the shortest of those that serve alike."""
    best: dict[tuple[int, int], str] = {}
    for symbol, code, length in table.codes():
        run, size = symbol >> 4, symbol & 15
        if size == 0 and symbol not in {0, _ZERO_RUN}:
            continue  # an EOB run, which baseline does not have
        bits = _bits(code, length) + ("1" + "0" * (size - 1) if size else "")
        ahead = 0 if symbol == 0 else run + 1
        key = ahead, len(bits) % 8
        if key not in best or len(bits) < len(best[key]):
            best[key] = bits
    return [(ahead, bits) for (ahead, _), bits in best.items()]
