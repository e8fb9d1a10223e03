"""Loops over entropy-coded data of baseline JPEGs (ITU-T T.81 annex F), compiled by numba.

Coefficients are passed over (`copying` copies them), never dequantised or transformed. A *reader* is four
words: the offset of the next byte to load, the window of loaded bits (the next one on top), how many it
holds, and where the data ends. Bits that were never there are read as zeros, as in libjpeg, and found out at
the end of a row.

Bounds are part of the loops: no bytes make them read or write outside their arrays.
"""

# mypy: disable-error-code="arg-type, assignment, return-value"
# (numba's integers have the widths of the signatures, which mypy does not read)

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from shared.codecs.jit import READ_ONLY, Bytes, kernel
from shared.codecs.jpeg.huffman import SKIP_BITS, SKIP_END, Lookup

Words: TypeAlias = NDArray[np.uint64]
Ints: TypeAlias = NDArray[np.int64]

_U = np.uint64
HIGH_BITS = _U(0x8080808080808080)
LOW_BITS = _U(0x7F7F7F7F7F7F7F7F)
ONES = _U(0x0101010101010101)
LEAST = _U(32)
"""Bits a window must hold before anything is read: a code and its value have at most 31."""

DC_ZERO = 2048
"""Place of difference 0 in the table of DC codes: one more than the largest that has a code (T.81 F.1)."""

OK, BAD_CODE, OVERSHOT, ENDED_EARLY, LEFT_OVER, TOO_LARGE, OUT_OF_RANGE = range(7)
"""What a loop returns: done; a code that no table has; coefficients beyond the 64th; data ends before
its last MCU; data goes on behind it; a DC difference that has no code; a DC coefficient that none can
reach from 0, which no encoder writes, and of which libjpeg's vectors make this pixel or that."""

TABLES = "uint16[:, ::1], uint16[:, ::1], uint16[:, ::1]"
"""In signatures: look-up tables for DC codes, AC codes, and several AC codes at once."""


@kernel(f"Tuple((uint64, uint64, uint64))({READ_ONLY}, uint64, uint64, uint64, uint64)", inline=True)
def refilled(data: Bytes, end: int, place: int, window: int, bits: int) -> tuple[int, int, int]:
    """A reader's place, window and bits with at least 57 of them, stuffed zeros left out (B.1.1.5)."""
    if place + _U(8) <= end:
        word = _U(data[place]) << _U(56) | _U(data[place + _U(1)]) << _U(48)
        word |= _U(data[place + _U(2)]) << _U(40) | _U(data[place + _U(3)]) << _U(32)
        word |= _U(data[place + _U(4)]) << _U(24) | _U(data[place + _U(5)]) << _U(16)
        word |= _U(data[place + _U(6)]) << _U(8) | _U(data[place + _U(7)])
        if word & HIGH_BITS & ((word & LOW_BITS) + ONES) == _U(0):  # no byte is FF
            count = (_U(64) - bits) >> _U(3)
            # Bits beyond the counted ones are the next byte's own: to be loaded again, they do no harm.
            return place + count, window | word >> bits, bits + (count << _U(3))
    while bits <= _U(56):
        if place < end:
            byte = _U(data[place])
            window |= byte << (_U(56) - bits)
            place += _U(2) if byte == _U(0xFF) else _U(1)
        else:
            place += _U(1)
        bits += _U(8)
    return place, window, bits


@kernel(f"void({READ_ONLY}, uint64[::1], int64, int64)")
def begin(data: Bytes, reader: Words, position: int, end: int) -> None:
    """Set a reader to a bit of the file."""
    phase = _U(position & 7)
    place, window, bits = refilled(data, _U(end), _U(position >> 3), _U(0), _U(0))
    reader[0], reader[1], reader[2], reader[3] = place, window << phase, bits - phase, _U(end)


@kernel(f"int64({READ_ONLY}, uint64[::1], int64)")
def position_of(data: Bytes, reader: Words, start: int) -> int:
    """How many bits of the file lie before a reader's next one, stuffed zeros included."""
    place, bits, end = np.int64(reader[0]), np.int64(reader[2]), np.int64(reader[3])
    for _ in range((bits + 7) >> 3):
        place -= 1
        if start < place < end and data[place] == 0 and data[place - 1] == 0xFF:
            place -= 1
    return place * 8 + (-bits & 7)


@kernel(f"int64({READ_ONLY}, int64, int64, int64)")
def end_status(data: Bytes, start: int, end: int, position: int) -> int:
    """Whether a reader that is through stands in the last byte of its data."""
    stuffed = start + 1 < end and data[end - 1] == 0 and data[end - 2] == 0xFF
    if position > end * 8:
        return ENDED_EARLY
    return LEFT_OVER if position <= (end - (2 if stuffed else 1)) * 8 else OK


@kernel("Tuple((int64, uint64))(uint16[:, ::1], int64, uint64)", inline=True)
def dc_code(codes: Lookup, table: int, window: int) -> tuple[int, int]:
    """A DC difference and the bits it takes, 0 if no code fits (F.2.2.1)."""
    entry = _U(codes[table, window >> _U(48)])
    length, size = entry >> _U(8), entry & _U(15)
    if size == _U(0):
        return np.int64(0), length
    value = np.int64((window << length) >> (_U(64) - size))
    if value < np.int64(1) << np.int64(size - _U(1)):
        value -= (np.int64(1) << np.int64(size)) - np.int64(1)
    return value, length + size


@kernel("Tuple((uint64, uint64, int64))(uint16[:, ::1], int64, uint64, uint64)", inline=True)
def ac_code(codes: Lookup, table: int, window: int, coefficient: int) -> tuple[int, int, int]:
    """The bits of an AC code and its value, the coefficient behind it (64: none is left), how it went."""
    entry = _U(codes[table, window >> _U(48)])
    length, run, size = entry >> _U(8), (entry >> _U(4)) & _U(15), entry & _U(15)
    if length == _U(0):
        return _U(0), _U(64), BAD_CODE
    if size == _U(0) and run < _U(15):
        return length, _U(64), OK
    coefficient += run + _U(1)
    return length + size, coefficient, OK if coefficient <= _U(64) else OVERSHOT


@kernel("Tuple((uint64, uint64))(uint16[:, ::1], int64, uint64, uint64)", inline=True)
def ac_codes(skips: Lookup, table: int, window: int, coefficient: int) -> tuple[int, int]:
    """The bits of some AC codes and their values, and the coefficient behind them (`huffman.skipping`)."""
    entry = _U(skips[table, window >> _U(64 - SKIP_BITS)])
    return entry & _U(63), coefficient + (entry >> _U(6))


@kernel("boolean(uint64)", inline=True)
def is_beyond(coefficient: int) -> bool:
    """Whether what `ac_codes` read passes the end of a block: then it must be read one by one.

    So arranged that a loop over the codes of a block has one branch that cannot be foreseen.
    """
    return coefficient > _U(64) and coefficient - _U(SKIP_END + 1) >= _U(63)


@kernel(f"Tuple((int64, int64))({READ_ONLY}, uint64[::1], {TABLES}, int64)", inline=True)
def skipped(data: Bytes, reader: Words, dc: Lookup, ac: Lookup, skips: Lookup, table: int) -> tuple[int, int]:
    """The DC difference of the next block, which the reader passes over, and how it went."""
    place, window, bits, end = reader[0], reader[1], reader[2], reader[3]
    if bits < LEAST:
        place, window, bits = refilled(data, end, place, window, bits)
    difference, used = dc_code(dc, table, window)
    status = BAD_CODE if used == _U(0) else OK
    window <<= used
    bits -= used
    coefficient = _U(1)
    while coefficient < _U(64):
        if bits < LEAST:
            place, window, bits = refilled(data, end, place, window, bits)
        used, ahead = ac_codes(skips, table, window, coefficient)
        if is_beyond(ahead):
            used, ahead, one = ac_code(ac, table, window, coefficient)
            status = max(status, one)
        window <<= used
        bits -= used
        coefficient = ahead
    reader[0], reader[1], reader[2] = place, window, bits
    return difference, status


@kernel(
    f"int64({READ_ONLY}, int64, int64, {TABLES}, int64[:, ::1], int64, int64, int64, int64[::1],"
    " int64[:, ::1])"
)
def scan_rows(
    data: Bytes,
    start: int,
    end: int,
    dc_codes: Lookup,
    ac_codes: Lookup,
    skips: Lookup,
    blocks: Ints,
    mcus: int,
    first: int,
    last: int,
    positions: Ints,
    predictors: Ints,
) -> int:
    """Walk MCU rows [first, last) of a scan without restart markers, noting where each next row begins.

    `data[start:end]` is the entropy-coded segment; `blocks` names, for each block of an MCU, its component
    and the place of its tables. `positions[row]` is the bit of the file where a row begins,
    `predictors[row]` its DC predictors; those of `first` must be there, and behind the last row comes the
    end. Returns OK or what went wrong; `positions[first]` is then where in the file.
    """
    reader, dc = np.empty(4, np.uint64), predictors[first].copy()
    begin(data, reader, positions[first], end)
    for row in range(first, last):
        status = OK
        for _ in range(mcus):
            for block in range(blocks.shape[0]):
                component, table = blocks[block, 0], blocks[block, 1]
                difference, one = skipped(data, reader, dc_codes, ac_codes, skips, table)
                dc[component] += difference
                status = max(status, one)
                if abs(dc[component]) >= DC_ZERO:
                    status = OUT_OF_RANGE
            if status != OK:
                break
        position = position_of(data, reader, start)
        positions[row + 1], predictors[row + 1] = position, dc
        if status == OK and position > end * 8:
            status = ENDED_EARLY
        if status == OK and row + 2 == positions.size:
            status = end_status(data, start, end, position)
        if status != OK:
            positions[first] = position
            return status
    return OK
