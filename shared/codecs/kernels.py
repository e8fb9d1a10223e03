"""Loops over pixels: PNG filters and luma."""

# mypy: disable-error-code="arg-type, assignment, no-any-return"
# (numba's integers have the widths of the signatures, which mypy does not read)

from __future__ import annotations

import numpy as np

from shared.codecs.jit import Bytes, kernel

NONE, SUB, UP, AVERAGE, PAETH = range(5)
"""PNG filter types (PNG section 9.2)."""


@kernel("int32(int32, int32, int32)")
def _paeth(left: int, above: int, corner: int) -> int:
    """The neighbour nearest to left + above - corner (PNG section 9.4).

    In Fabian Giesen's form without branches (stb_image 2.29, stbi__paeth): 2.5 times as fast here.
    """
    threshold = 3 * corner - (left + above)
    low, high = min(left, above), max(left, above)
    guess = low if high <= threshold else corner
    return high if threshold <= low else guess


@kernel("void(uint8[::1], uint8[::1], uint8[::1], int64)")
def _unpaeth(filtered: Bytes, above: Bytes, row: Bytes, step: int) -> None:
    """Undo the Paeth filter of one row."""
    for i in range(min(step, row.size)):
        row[i] = filtered[i] + above[i]
    for i in range(step, row.size):
        row[i] = filtered[i] + _paeth(row[i - step], above[i], above[i - step])


@kernel("void(uint8[::1], uint8[::1], uint8[::1], int64)")
def _unaverage(filtered: Bytes, above: Bytes, row: Bytes, step: int) -> None:
    """Undo the Average filter of one row."""
    for i in range(min(step, row.size)):
        row[i] = filtered[i] + (above[i] >> 1)
    for i in range(step, row.size):
        row[i] = filtered[i] + ((np.int64(row[i - step]) + above[i]) >> 1)


@kernel("int64(uint8[:, ::1], uint8[::1], uint8[:, ::1], int64)")
def unfilter(filtered: Bytes, above: Bytes, rows: Bytes, step: int) -> int:
    """Undo the PNG filters of some rows (PNG section 9.2).

    `filtered` is (rows, 1 + bytes) with the filter type first; `above` the row before them, already
    unfiltered; the result goes to `rows`, (rows, bytes). `step` is bytes per pixel. Returns the
    number of rows done: fewer than given when a filter type is above 4.
    """
    for y in range(filtered.shape[0]):
        kind, source, row = filtered[y, 0], filtered[y, 1:], rows[y]
        if kind == NONE:
            row[:] = source
        elif kind == SUB:
            row[:step] = source[:step]
            for i in range(step, row.size):
                row[i] = source[i] + row[i - step]
        elif kind == UP:
            for i in range(row.size):
                row[i] = source[i] + above[i]
        elif kind == AVERAGE:
            _unaverage(source, above, row, step)
        elif kind == PAETH:
            _unpaeth(source, above, row, step)
        else:
            return y
        above = row
    return filtered.shape[0]


@kernel("void(uint8[::1], uint8[::1], uint8[::1], int64, int64)")
def _filter_row(row: Bytes, above: Bytes, out: Bytes, step: int, kind: int) -> None:
    """Apply one filter type to a row."""
    for i in range(row.size):
        left = np.int64(row[i - step]) if i >= step else 0
        corner = np.int64(above[i - step]) if i >= step else 0
        if kind == SUB:
            guess = left
        elif kind == UP:
            guess = np.int64(above[i])
        elif kind == AVERAGE:
            guess = (left + above[i]) >> 1
        elif kind == PAETH:
            guess = np.int64(_paeth(left, above[i], corner))
        else:
            guess = 0
        out[i] = row[i] - guess


@kernel("int64(uint8[::1])")
def _cost(filtered: Bytes) -> int:
    """Sum of absolute differences, the usual measure of a filtered row (PNG section 12.7)."""
    total = 0
    for i in range(filtered.size):
        total += min(np.int64(filtered[i]), 256 - np.int64(filtered[i]))
    return total


@kernel("void(uint8[:, ::1], uint8[::1], uint8[:, ::1], int64, boolean)")
def filter_adaptive(rows: Bytes, above: Bytes, out: Bytes, step: int, first: bool) -> None:  # noqa: FBT001 - kernels take no keywords
    """Filter each row by the type with the smallest sum of absolute differences.

    With `first`, the top row looks at no row above it (None or Sub): so a stripe may begin with it.
    """
    trial = np.empty(rows.shape[1], np.uint8)
    for y in range(rows.shape[0]):
        best = np.int64(-1)
        for kind in range(2 if first and y == 0 else 5):
            _filter_row(rows[y], above, trial, step, kind)
            cost = _cost(trial)
            if best < 0 or cost < best:
                best = cost
                out[y, 0] = kind
                out[y, 1:] = trial
        above = rows[y]


@kernel("void(uint8[:, :, ::1], uint8[:, :, ::1])")
def bt601(colour: Bytes, grey: Bytes) -> None:
    """ITU-R BT.601 luma of (rows, width, 3 or 4) as (rows, width, 1 or 2), alpha copied.

    (19595 R + 38470 G + 7471 B + 32768) >> 16: Pillow's integers (libImaging/Convert.c, L24).
    """
    alpha = colour.shape[2] == 4
    for y in range(colour.shape[0]):
        if alpha:
            for x in range(colour.shape[1]):
                total = np.uint32(19595) * colour[y, x, 0] + np.uint32(38470) * colour[y, x, 1]
                total += np.uint32(7471) * colour[y, x, 2] + np.uint32(32768)
                grey[y, x, 0] = np.uint32(total) >> np.uint32(16)
                grey[y, x, 1] = colour[y, x, 3]
        else:
            for x in range(colour.shape[1]):
                total = np.uint32(19595) * colour[y, x, 0] + np.uint32(38470) * colour[y, x, 1]
                total += np.uint32(7471) * colour[y, x, 2] + np.uint32(32768)
                grey[y, x, 0] = np.uint32(total) >> np.uint32(16)


@kernel("void(uint8[:, :, ::1], uint8[:, :, ::1])")
def flatten(grey_alpha: Bytes, grey: Bytes) -> None:
    """Grey under alpha, composited on white in stored values, rounded to the nearest."""
    for y in range(grey_alpha.shape[0]):
        for x in range(grey_alpha.shape[1]):
            alpha = np.int64(grey_alpha[y, x, 1])
            grey[y, x, 0] = (grey_alpha[y, x, 0] * alpha + 255 * (255 - alpha) + 127) // 255
