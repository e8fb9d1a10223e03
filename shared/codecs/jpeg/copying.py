"""Copying luma blocks of entropy-coded data into restart intervals of their own (ITU-T T.81 annex F).

Read by the loops of `entropy`; AC bits stay as they are, DC differences are coded anew. A *writer* is three
words: bits not yet written, how many, and how many bytes are. Bounds are part of the loops here too.
"""

# mypy: disable-error-code="arg-type, assignment, return-value"
# (numba's integers have the widths of the signatures, which mypy does not read)

from __future__ import annotations

import functools

import numpy as np
from numpy.typing import NDArray

from shared.codecs.jit import READ_ONLY, Bytes, kernel
from shared.codecs.jpeg import entropy
from shared.codecs.jpeg.entropy import (
    BAD_CODE,
    DC_ZERO,
    ENDED_EARLY,
    HIGH_BITS,
    LEAST,
    LOW_BITS,
    OK,
    ONES,
    TABLES,
    TOO_LARGE,
    Ints,
    Words,
    ac_code,
    ac_codes,
    begin,
    dc_code,
    end_status,
    is_beyond,
    position_of,
    refilled,
    skipped,
)
from shared.codecs.jpeg.huffman import Lookup

_U = np.uint64
BLOCK_BYTES = 496
"""The most a block takes: 20 bits for DC and 63 AC codes of 31, each byte followed by a stuffed zero."""
_kernel = functools.partial(kernel, uses=entropy)


@_kernel("int64(uint8[:, ::1], int64, int64, uint64)")
def _put_byte(lines: Bytes, line: int, filled: int, byte: int) -> int:
    """Write a byte, stuffed (B.1.1.5); how much of the line is filled then."""
    lines[line, filled] = byte
    if byte != _U(0xFF):
        return filled + 1
    lines[line, filled + 1] = 0
    return filled + 2


@_kernel("int64(uint8[:, ::1], int64, int64, uint64, uint64)", inline=True)
def _put(lines: Bytes, line: int, filled: int, word: int, held: int) -> int:
    """Write the 32 oldest of `held` (32 to 63) bits of `word`; how much of the line is filled then."""
    oldest = (word >> (held - _U(32))) & _U(0xFFFFFFFF)
    if oldest & HIGH_BITS & ((oldest & LOW_BITS) + ONES) == _U(0):  # no byte is FF
        lines[line, filled] = oldest >> _U(24)
        lines[line, filled + 1] = (oldest >> _U(16)) & _U(0xFF)
        lines[line, filled + 2] = (oldest >> _U(8)) & _U(0xFF)
        lines[line, filled + 3] = oldest & _U(0xFF)
        return filled + 4
    for shift in (24, 16, 8, 0):
        filled = _put_byte(lines, line, filled, (oldest >> _U(shift)) & _U(0xFF))
    return filled


@_kernel("void(uint8[:, ::1], uint64[:, ::1], int64)")
def _complete(lines: Bytes, writers: Words, line: int) -> None:
    """Write what a writer still holds, completed to whole bytes with ones (F.1.2.3)."""
    padding = (_U(8) - (writers[line, 1] & _U(7))) & _U(7)
    word = writers[line, 0] << padding | ((_U(1) << padding) - _U(1))
    held, filled = writers[line, 1] + padding, np.int64(writers[line, 2])
    while held > _U(0):
        held -= _U(8)
        filled = _put_byte(lines, line, filled, (word >> held) & _U(0xFF))
    writers[line, 1], writers[line, 2] = _U(0), _U(filled)


@_kernel(
    f"Tuple((int64, int64))({READ_ONLY}, uint64[::1], {TABLES}, int64, uint32[::1], int64,"
    " uint8[:, ::1], uint64[:, ::1], int64)",
    inline=True,
)
def _copied(
    data: Bytes,
    reader: Words,
    dc: Lookup,
    ac: Lookup,
    skips: Lookup,
    table: int,
    steps: NDArray[np.uint32],
    step: int,
    lines: Bytes,
    writers: Words,
    line: int,
) -> tuple[int, int]:
    """As `skipped`, with the block written: its AC bits as they are, its DC difference plus `step`."""
    place, window, bits, end = reader[0], reader[1], reader[2], reader[3]
    if bits < LEAST:
        place, window, bits = refilled(data, end, place, window, bits)
    difference, used = dc_code(dc, table, window)
    status = BAD_CODE if used == _U(0) else OK
    window <<= used
    bits -= used
    coded = min(max(difference + step + DC_ZERO, 0), 2 * DC_ZERO)
    length, code = _U(steps[coded] >> 24), _U(steps[coded] & 0xFFFFFF)
    status = TOO_LARGE if length == _U(0) else status
    word, held, filled = writers[line, 0] << length | code, writers[line, 1] + length, writers[line, 2]
    coefficient = _U(1)
    while coefficient < _U(64):
        if held >= LEAST:
            filled = _U(_put(lines, line, np.int64(filled), word, held))
            held -= LEAST
        if bits < LEAST:
            place, window, bits = refilled(data, end, place, window, bits)
        used, ahead = ac_codes(skips, table, window, coefficient)
        if is_beyond(ahead):
            used, ahead, one = ac_code(ac, table, window, coefficient)
            status = max(status, one)
        word, held = word << used | (window >> _U(1)) >> (_U(63) - used), held + used
        window <<= used
        bits -= used
        coefficient = ahead
    if held >= LEAST:
        filled = _U(_put(lines, line, np.int64(filled), word, held))
        held -= LEAST
    reader[0], reader[1], reader[2] = place, window, bits
    writers[line, 0], writers[line, 1], writers[line, 2] = word, held, filled
    return difference, status


@_kernel(f"int64({READ_ONLY}, uint64[::1], int64[:, ::1], int64[::1], int64[::1])")
def _next_interval(data: Bytes, reader: Words, intervals: Ints, state: Ints, predictors: Ints) -> int:
    """Move a reader to the next restart interval (E.2.4), and say how the one before ended."""
    start, end = intervals[state[1]]
    status = end_status(data, start, end, position_of(data, reader, start))
    if status == OK:
        state[1] += 1
        begin(data, reader, intervals[state[1], 0] * 8, intervals[state[1], 1])
        predictors[:] = 0
    return status


@_kernel(
    f"int64({READ_ONLY}, int64[:, ::1], int64[::1], int64[::1], {TABLES}, int64[:, ::1], uint32[::1],"
    " int64[::1], uint8[:, ::1], uint64[:, ::1])"
)
def copy_row(
    data: Bytes,
    intervals: Ints,
    state: Ints,
    predictors: Ints,
    dc_codes: Lookup,
    ac_codes: Lookup,
    skips: Lookup,
    blocks: Ints,
    steps: NDArray[np.uint32],
    layout: Ints,
    lines: Bytes,
    writers: Words,
) -> int:
    """Copy the luma blocks of an MCU row, each line of blocks as a restart interval of its own.

    `intervals` are (start, end) of the file's own. `state` is (next bit, interval, MCUs left in it, MCUs
    left in all) and, with `predictors`, carries on from row to row. `blocks` names component, tables, column
    and line of each block of an MCU. `layout` is (MCUs of a row, of an interval, columns of an MCU, columns
    kept, lines kept). A line of `lines` holds what its writer says. Returns how it went; `state[0]` is where.
    """
    reader, written, status = np.empty(4, np.uint64), np.zeros(lines.shape[0], np.int64), OK
    begin(data, reader, state[0], intervals[state[1], 1])
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
                difference, one = skipped(data, reader, dc_codes, ac_codes, skips, table)
            predictors[component] = before + difference
            status = max(status, one)
        if status != OK:
            break
    for line in range(layout[4]):
        _complete(lines, writers, line)
    start, end = intervals[state[1]]
    state[0] = position_of(data, reader, start)
    ended = end_status(data, start, end, state[0])
    return max(status, ended) if ended == ENDED_EARLY or state[3] == 0 else status
