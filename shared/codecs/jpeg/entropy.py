"""Loops over entropy-coded data of baseline JPEGs (ITU-T T.81 annex F), compiled by numba.

Coefficients are passed over or copied, never dequantised or transformed. A *reader* is four words: the
offset of the next byte to load, the window of loaded bits (the next one on top), how many it holds, and
where the data ends. Bits that were never there are read as zeros, as in libjpeg, and found out at the end
of a row. A *writer* is three: bits not yet written, how many, and how many bytes are.

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

_Words: TypeAlias = NDArray[np.uint64]
_Ints: TypeAlias = NDArray[np.int64]

_U = np.uint64
_HIGH_BITS = _U(0x8080808080808080)
_LOW_BITS = _U(0x7F7F7F7F7F7F7F7F)
_ONES = _U(0x0101010101010101)
_LEAST = _U(32)
"""Bits a window must hold before anything is read: a code and its value have at most 31."""

BLOCK_BYTES = 496
"""The most a block takes: 20 bits for DC and 63 AC codes of 31, each byte followed by a stuffed zero."""
DC_ZERO = 2048
"""Place of difference 0 in the table of DC codes: one more than the largest that has a code (T.81 F.1)."""

OK, BAD_CODE, OVERSHOT, ENDED_EARLY, LEFT_OVER, TOO_LARGE, OUT_OF_RANGE = range(7)
"""What a loop returns: done; a code that no table has; coefficients beyond the 64th; data ends before
its last MCU; data goes on behind it; a DC difference that has no code; a DC coefficient that none can
reach from 0, which no encoder writes, and of which libjpeg's vectors make this pixel or that."""

_TABLES = "uint16[:, ::1], uint16[:, ::1], uint16[:, ::1]"
"""In signatures: look-up tables for DC codes, AC codes, and several AC codes at once."""


@kernel(f"Tuple((uint64, uint64, uint64))({READ_ONLY}, uint64, uint64, uint64, uint64)", inline=True)
def _filled(data: Bytes, end: int, place: int, window: int, bits: int) -> tuple[int, int, int]:
    """A reader's place, window and bits with at least 57 of them, stuffed zeros left out (B.1.1.5)."""
    if place + _U(8) <= end:
        word = _U(data[place]) << _U(56) | _U(data[place + _U(1)]) << _U(48)
        word |= _U(data[place + _U(2)]) << _U(40) | _U(data[place + _U(3)]) << _U(32)
        word |= _U(data[place + _U(4)]) << _U(24) | _U(data[place + _U(5)]) << _U(16)
        word |= _U(data[place + _U(6)]) << _U(8) | _U(data[place + _U(7)])
        if word & _HIGH_BITS & ((word & _LOW_BITS) + _ONES) == _U(0):  # no byte is FF
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
def _begin(data: Bytes, reader: _Words, position: int, end: int) -> None:
    """Set a reader to a bit of the file."""
    phase = _U(position & 7)
    place, window, bits = _filled(data, _U(end), _U(position >> 3), _U(0), _U(0))
    reader[0], reader[1], reader[2], reader[3] = place, window << phase, bits - phase, _U(end)


@kernel(f"int64({READ_ONLY}, uint64[::1], int64)")
def _position(data: Bytes, reader: _Words, start: int) -> int:
    """How many bits of the file lie before a reader's next one, stuffed zeros included."""
    place, bits, end = np.int64(reader[0]), np.int64(reader[2]), np.int64(reader[3])
    for _ in range((bits + 7) >> 3):
        place -= 1
        if start < place < end and data[place] == 0 and data[place - 1] == 0xFF:
            place -= 1
    return place * 8 + (-bits & 7)


@kernel(f"int64({READ_ONLY}, int64, int64, int64)")
def _end_status(data: Bytes, start: int, end: int, position: int) -> int:
    """Whether a reader that is through stands in the last byte of its data."""
    stuffed = start + 1 < end and data[end - 1] == 0 and data[end - 2] == 0xFF
    if position > end * 8:
        return ENDED_EARLY
    return LEFT_OVER if position <= (end - (2 if stuffed else 1)) * 8 else OK


@kernel("Tuple((int64, uint64))(uint16[:, ::1], int64, uint64)", inline=True)
def _dc(codes: Lookup, table: int, window: int) -> tuple[int, int]:
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
def _one_ac(codes: Lookup, table: int, window: int, coefficient: int) -> tuple[int, int, int]:
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
def _many_ac(skips: Lookup, table: int, window: int, coefficient: int) -> tuple[int, int]:
    """The bits of some AC codes and their values, and the coefficient behind them (`huffman.skipping`)."""
    entry = _U(skips[table, window >> _U(64 - SKIP_BITS)])
    return entry & _U(63), coefficient + (entry >> _U(6))


@kernel("boolean(uint64)", inline=True)
def _is_beyond(coefficient: int) -> bool:
    """Whether what `_many_ac` read passes the end of a block: then it must be read one by one.

    So arranged that a loop over the codes of a block has one branch that cannot be foreseen.
    """
    return coefficient > _U(64) and coefficient - _U(SKIP_END + 1) >= _U(63)


@kernel(f"Tuple((int64, int64))({READ_ONLY}, uint64[::1], {_TABLES}, int64)", inline=True)
def _skipped(
    data: Bytes, reader: _Words, dc: Lookup, ac: Lookup, skips: Lookup, table: int
) -> tuple[int, int]:
    """The DC difference of the next block, which the reader passes over, and how it went."""
    place, window, bits, end = reader[0], reader[1], reader[2], reader[3]
    if bits < _LEAST:
        place, window, bits = _filled(data, end, place, window, bits)
    difference, used = _dc(dc, table, window)
    status = BAD_CODE if used == _U(0) else OK
    window <<= used
    bits -= used
    coefficient = _U(1)
    while coefficient < _U(64):
        if bits < _LEAST:
            place, window, bits = _filled(data, end, place, window, bits)
        used, ahead = _many_ac(skips, table, window, coefficient)
        if _is_beyond(ahead):
            used, ahead, one = _one_ac(ac, table, window, coefficient)
            status = max(status, one)
        window <<= used
        bits -= used
        coefficient = ahead
    reader[0], reader[1], reader[2] = place, window, bits
    return difference, status


@kernel(
    f"int64({READ_ONLY}, int64, int64, {_TABLES}, int64[:, ::1], int64, int64, int64, int64[::1],"
    " int64[:, ::1])"
)
def scan_rows(
    data: Bytes,
    start: int,
    end: int,
    dc_codes: Lookup,
    ac_codes: Lookup,
    skips: Lookup,
    blocks: _Ints,
    mcus: int,
    first: int,
    last: int,
    positions: _Ints,
    predictors: _Ints,
) -> int:
    """Walk MCU rows [first, last) of a scan without restart markers, noting where each next row begins.

    `data[start:end]` is the entropy-coded segment; `blocks` names, for each block of an MCU, its component
    and the place of its tables. `positions[row]` is the bit of the file where a row begins,
    `predictors[row]` its DC predictors; those of `first` must be there, and behind the last row comes the
    end. Returns OK or what went wrong; `positions[first]` is then where in the file.
    """
    reader, dc = np.empty(4, np.uint64), predictors[first].copy()
    _begin(data, reader, positions[first], end)
    for row in range(first, last):
        status = OK
        for _ in range(mcus):
            for block in range(blocks.shape[0]):
                component, table = blocks[block, 0], blocks[block, 1]
                difference, one = _skipped(data, reader, dc_codes, ac_codes, skips, table)
                dc[component] += difference
                status = max(status, one)
                if abs(dc[component]) >= DC_ZERO:
                    status = OUT_OF_RANGE
            if status != OK:
                break
        position = _position(data, reader, start)
        positions[row + 1], predictors[row + 1] = position, dc
        if status == OK and position > end * 8:
            status = ENDED_EARLY
        if status == OK and row + 2 == positions.size:
            status = _end_status(data, start, end, position)
        if status != OK:
            positions[first] = position
            return status
    return OK


@kernel("int64(uint8[:, ::1], int64, int64, uint64)")
def _put_byte(lines: Bytes, line: int, filled: int, byte: int) -> int:
    """Write a byte, stuffed (B.1.1.5); how much of the line is filled then."""
    lines[line, filled] = byte
    if byte != _U(0xFF):
        return filled + 1
    lines[line, filled + 1] = 0
    return filled + 2


@kernel("int64(uint8[:, ::1], int64, int64, uint64, uint64)", inline=True)
def _put(lines: Bytes, line: int, filled: int, word: int, held: int) -> int:
    """Write the 32 oldest of `held` (32 to 63) bits of `word`; how much of the line is filled then."""
    oldest = (word >> (held - _U(32))) & _U(0xFFFFFFFF)
    if oldest & _HIGH_BITS & ((oldest & _LOW_BITS) + _ONES) == _U(0):  # no byte is FF
        lines[line, filled] = oldest >> _U(24)
        lines[line, filled + 1] = (oldest >> _U(16)) & _U(0xFF)
        lines[line, filled + 2] = (oldest >> _U(8)) & _U(0xFF)
        lines[line, filled + 3] = oldest & _U(0xFF)
        return filled + 4
    for shift in (24, 16, 8, 0):
        filled = _put_byte(lines, line, filled, (oldest >> _U(shift)) & _U(0xFF))
    return filled


@kernel("void(uint8[:, ::1], uint64[:, ::1], int64)")
def _complete(lines: Bytes, writers: _Words, line: int) -> None:
    """Write what a writer still holds, completed to whole bytes with ones (F.1.2.3)."""
    padding = (_U(8) - (writers[line, 1] & _U(7))) & _U(7)
    word = writers[line, 0] << padding | ((_U(1) << padding) - _U(1))
    held, filled = writers[line, 1] + padding, np.int64(writers[line, 2])
    while held > _U(0):
        held -= _U(8)
        filled = _put_byte(lines, line, filled, (word >> held) & _U(0xFF))
    writers[line, 1], writers[line, 2] = _U(0), _U(filled)


@kernel(
    f"Tuple((int64, int64))({READ_ONLY}, uint64[::1], {_TABLES}, int64, uint32[::1], int64,"
    " uint8[:, ::1], uint64[:, ::1], int64)",
    inline=True,
)
def _copied(
    data: Bytes,
    reader: _Words,
    dc: Lookup,
    ac: Lookup,
    skips: Lookup,
    table: int,
    steps: NDArray[np.uint32],
    step: int,
    lines: Bytes,
    writers: _Words,
    line: int,
) -> tuple[int, int]:
    """As `_skipped`, with the block written: its AC bits as they are, its DC difference plus `step`."""
    place, window, bits, end = reader[0], reader[1], reader[2], reader[3]
    if bits < _LEAST:
        place, window, bits = _filled(data, end, place, window, bits)
    difference, used = _dc(dc, table, window)
    status = BAD_CODE if used == _U(0) else OK
    window <<= used
    bits -= used
    coded = min(max(difference + step + DC_ZERO, 0), 2 * DC_ZERO)
    length, code = _U(steps[coded] >> 24), _U(steps[coded] & 0xFFFFFF)
    status = TOO_LARGE if length == _U(0) else status
    word, held, filled = writers[line, 0] << length | code, writers[line, 1] + length, writers[line, 2]
    coefficient = _U(1)
    while coefficient < _U(64):
        if held >= _LEAST:
            filled = _U(_put(lines, line, np.int64(filled), word, held))
            held -= _LEAST
        if bits < _LEAST:
            place, window, bits = _filled(data, end, place, window, bits)
        used, ahead = _many_ac(skips, table, window, coefficient)
        if _is_beyond(ahead):
            used, ahead, one = _one_ac(ac, table, window, coefficient)
            status = max(status, one)
        word, held = word << used | (window >> _U(1)) >> (_U(63) - used), held + used
        window <<= used
        bits -= used
        coefficient = ahead
    if held >= _LEAST:
        filled = _U(_put(lines, line, np.int64(filled), word, held))
        held -= _LEAST
    reader[0], reader[1], reader[2] = place, window, bits
    writers[line, 0], writers[line, 1], writers[line, 2] = word, held, filled
    return difference, status


@kernel(f"int64({READ_ONLY}, uint64[::1], int64[:, ::1], int64[::1], int64[::1])")
def _next_interval(data: Bytes, reader: _Words, intervals: _Ints, state: _Ints, predictors: _Ints) -> int:
    """Move a reader to the next restart interval (E.2.4), and say how the one before ended."""
    start, end = intervals[state[1]]
    status = _end_status(data, start, end, _position(data, reader, start))
    if status == OK:
        state[1] += 1
        _begin(data, reader, intervals[state[1], 0] * 8, intervals[state[1], 1])
        predictors[:] = 0
    return status


@kernel(
    f"int64({READ_ONLY}, int64[:, ::1], int64[::1], int64[::1], {_TABLES}, int64[:, ::1], uint32[::1],"
    " int64[::1], uint8[:, ::1], uint64[:, ::1])"
)
def copy_row(
    data: Bytes,
    intervals: _Ints,
    state: _Ints,
    predictors: _Ints,
    dc_codes: Lookup,
    ac_codes: Lookup,
    skips: Lookup,
    blocks: _Ints,
    steps: NDArray[np.uint32],
    layout: _Ints,
    lines: Bytes,
    writers: _Words,
) -> int:
    """Copy the luma blocks of an MCU row, each line of blocks as a restart interval of its own.

    `intervals` are (start, end) of the file's own. `state` is (next bit, interval, MCUs left in it, MCUs
    left in all) and, with `predictors`, carries on from row to row. `blocks` names component, tables, column
    and line of each block of an MCU. `layout` is (MCUs of a row, of an interval, columns of an MCU, columns
    kept, lines kept). A line of `lines` holds what its writer says. Returns how it went; `state[0]` is where.
    """
    reader, written, status = np.empty(4, np.uint64), np.zeros(lines.shape[0], np.int64), OK
    _begin(data, reader, state[0], intervals[state[1], 1])
    writers[:] = 0
    for mcu in range(layout[0]):
        if state[2] == 0:
            status = max(status, _next_interval(data, reader, intervals, state, predictors))
            state[2] = layout[1]
        state[2:] -= 1
        for block in range(blocks.shape[0]):
            component, table, line = blocks[block, 0], blocks[block, 1], blocks[block, 3]
            before = predictors[component]
            if component == 0 and mcu * layout[2] + blocks[block, 2] < layout[3] and line < layout[4]:
                step, written[line] = before - written[line], before
                difference, one = _copied(
                    data, reader, dc_codes, ac_codes, skips, table, steps, step, lines, writers, line
                )
                written[line] += difference
            else:
                difference, one = _skipped(data, reader, dc_codes, ac_codes, skips, table)
            predictors[component] = before + difference
            status = max(status, one)
        if status != OK:
            break
    for line in range(layout[4]):
        _complete(lines, writers, line)
    start, end = intervals[state[1]]
    state[0] = _position(data, reader, start)
    ended = _end_status(data, start, end, state[0])
    return max(status, ended) if ended == ENDED_EARLY or state[3] == 0 else status
