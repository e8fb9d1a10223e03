"""Huffman tables of a JPEG file (ITU-T T.81 annex C and B.2.4.2), and their look-up tables."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from shared.codecs.jit import kernel
from shared.codecs.jpeg.markers import DHT, JpegHeader
from shared.problems import MalformedImage

DC, AC = 0, 1
"""Table classes, Tc."""
Lookup: TypeAlias = NDArray[np.uint16]

_LONGEST = 16
SKIP_BITS = 12
"""Window of the table that passes over several AC codes at once. Measured on photographs: 10 bits 43 ms,
11 39, 12 37, 13 38, 14 40, 16 45; more and more of it lies outside the first-level cache."""
SKIP_END, SKIP_NONE = 128, 64
"""Added to the coefficients of an entry that ends with EOB; those of an entry without a code."""


@dataclass(frozen=True, slots=True)
class HuffmanTable:
    """A table as DHT has it."""

    counts: bytes
    """How many codes there are of each length, 1 to 16 bits."""
    values: bytes
    """The symbols, in the order of their codes."""

    @property
    def payload(self) -> bytes:
        """As it stands in a DHT segment, behind class and destination."""
        return self.counts + self.values

    def codes(self) -> Iterator[tuple[int, int, int]]:
        """(symbol, code, length in bits) of every symbol (C.2)."""
        code, place = 0, 0
        for length, count in enumerate(self.counts, 1):
            for symbol in self.values[place : place + count]:
                yield symbol, code, length
                code += 1
            place += count
            code <<= 1


_STANDARD_VALUES_AC_LUMA = bytes.fromhex(
    "01020300041105122131410613516107227114328191a1082342b1c11552d1f02433627282090a161718191a25262728292a"
    "3435363738393a434445464748494a535455565758595a636465666768696a737475767778797a838485868788898a929394"
    "95969798999aa2a3a4a5a6a7a8a9aab2b3b4b5b6b7b8b9bac2c3c4c5c6c7c8c9cad2d3d4d5d6d7d8d9dae1e2e3e4e5e6e7e8"
    "e9eaf1f2f3f4f5f6f7f8f9fa"
)
_STANDARD_VALUES_AC_CHROMA = bytes.fromhex(
    "000102031104052131061241510761711322328108144291a1b1c109233352f0156272d10a162434e125f11718191a262728"
    "292a35363738393a434445464748494a535455565758595a636465666768696a737475767778797a82838485868788898a92"
    "939495969798999aa2a3a4a5a6a7a8a9aab2b3b4b5b6b7b8b9bac2c3c4c5c6c7c8c9cad2d3d4d5d6d7d8d9dae2e3e4e5e6e7"
    "e8e9eaf2f3f4f5f6f7f8f9fa"
)
STANDARD = {
    (DC, 0): HuffmanTable(bytes.fromhex("00010501010101010100000000000000"), bytes(range(12))),
    (DC, 1): HuffmanTable(bytes.fromhex("00030101010101010101010000000000"), bytes(range(12))),
    (AC, 0): HuffmanTable(bytes.fromhex("0002010303020403050504040000017d"), _STANDARD_VALUES_AC_LUMA),
    (AC, 1): HuffmanTable(bytes.fromhex("00020102040403040705040400010277"), _STANDARD_VALUES_AC_CHROMA),
}
"""T.81 tables K.3 to K.6, for luma and chroma; libjpeg takes them where a file brings none."""


def tables(jpeg: JpegHeader) -> dict[tuple[int, int], HuffmanTable]:
    """All tables in force at the first scan, by class and destination; `MalformedImage` if one is none."""
    found = dict(STANDARD)
    for payload in jpeg.payloads(DHT):
        rest = bytes(payload)
        while rest:
            counts = rest[1 : 1 + _LONGEST]
            size = sum(counts)
            values = rest[1 + _LONGEST : 1 + _LONGEST + size]
            if len(counts) < _LONGEST or len(values) < size:
                raise MalformedImage("a Huffman table is cut short")
            found[rest[0] >> 4, rest[0] & 15] = HuffmanTable(counts, values)
            rest = rest[1 + _LONGEST + size :]
    return found


@lru_cache(maxsize=32)
def lookup(table: HuffmanTable) -> Lookup:
    """For all 16-bit windows: length of the code they begin with << 8 | its symbol; 0 where there is none.

    Raises `MalformedImage` for a table whose codes do not fit.
    """
    found = np.zeros(1 << _LONGEST, np.uint16)
    for symbol, code, length in table.codes():
        if code >= (1 << length) - 1:  # all ones are no code (C.2)
            raise MalformedImage("a Huffman table has more codes than there is room for")
        room = _LONGEST - length
        found[code << room : (code + 1) << room] = length << 8 | symbol
    return found


@kernel("void(uint16[::1], uint16[::1])")
def _fill_skips(codes: Lookup, found: Lookup) -> None:
    """For each window the AC codes that it is certain to hold; `bits | coefficients << 6`.

    Bits of the last one's value may lie beyond the window: they are not looked at.
    """
    for window in range(found.size):
        bits, coefficients = 0, 0
        while bits < SKIP_BITS and coefficients < SKIP_END:
            entry = int(codes[(window << (16 - SKIP_BITS) << bits) & 0xFFFF])
            length, run, size = entry >> 8, (entry >> 4) & 15, entry & 15
            step = SKIP_END if size == 0 and run == 0 else run + 1
            no_step = length == 0 or (size == 0 and 0 < run < 15)
            if no_step or bits + length > SKIP_BITS or coefficients % SKIP_END + step % SKIP_END > 63:
                break
            bits += length + size
            coefficients += step
        found[window] = bits | coefficients << 6 if bits else SKIP_NONE << 6


@lru_cache(maxsize=16)
def skipping(table: HuffmanTable) -> Lookup:
    """For all short windows of AC codes what may be passed over at once, in one step."""
    found = np.zeros(1 << SKIP_BITS, np.uint16)
    _fill_skips(lookup(table), found)
    return found
