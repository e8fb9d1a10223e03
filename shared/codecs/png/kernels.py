"""Applying and undoing the row filters of PNG (PNG section 9).

Undoing them is serial: every byte needs the ones to its left, above, and between. Many rows at a time
are not: `LANES` rows go side by side, each `_LAG` pixels behind the one above it, so that what a
row needs of the other was found before, and all of them are one step of vector arithmetic (the
wavefront of H.264 and HEVC decoders; Lamport, "The parallel execution of DO loops", 1974).

A pixel is a word of four bytes there, whatever its channels, and the rows are copied askew into a
strip of such words, (time, lane): lane 0 is the row above all others, which is done already.
"""

# mypy: disable-error-code="arg-type, assignment, no-any-return"
# (numba's integers have the widths of the signatures, which mypy does not read)

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from shared.codecs.jit import Bytes, kernel

Words = NDArray[np.uint32]

NONE, SUB, UP, AVERAGE, PAETH = range(5)
"""PNG filter types (PNG section 9.2)."""
SPARE = 3
"""Bytes to be there after the last row, since a pixel is read as four."""

LANES = 16
"""Rows that go together: two vectors of AVX2. Twice as many would save 4 of 55 ms, but make large bands."""
_LAG = 2
"""One would do, but the processor would wait for what it has just stored. Measured: 28 ms and 21."""
_BACK = _LAG + 1
"""How far back in time a step looks."""
_STEPS = 256
"""Length of a strip. It stays in the first cache with its 17 KiB. Measured: 128 to 512 differ by a fifth."""
_LINE = 4 * (1 + LANES)
"""Bytes of a strip for each step in time."""
_U = np.uint64
"""Indices are unsigned where it counts: numba makes a negative one count from the end, by a branch."""


@kernel("uint8(uint8, uint8, uint8)")
def _paeth(left: int, above: int, corner: int) -> int:
    """The neighbour nearest to left + above - corner (PNG section 9.4), in eight bits.

    Fabian Giesen's form without branches (stb_image 2.29, stbi__paeth), and his comparisons with
    3 * corner - left - above put as: is corner's distance to one of them at least twice that to the
    other? Every value then fits a byte, and a vector holds 32.
    """
    low, high = min(left, above), max(left, above)
    to_high = np.uint8(max(high, corner) - corner)
    to_low = np.uint8(max(corner, low) - low)
    guess = low if to_high <= np.uint8(max(to_low, to_high) - to_high) else corner
    return high if to_low <= np.uint8(max(to_high, to_low) - to_low) else guess


@kernel("void(uint8[::1], int64, int64, uint8[:, ::1])")
def _mask(filtered: Bytes, stride: int, lanes: int, masks: Bytes) -> None:
    """Which neighbours the filter type of each row looks at: left, above, corner; and Average apart.

    Without a corner Paeth's guess is above where there is no left, and left where there is no above:
    with the others masked it is Up and Sub, and None with all of them.
    """
    masks[:] = 0
    for lane in range(lanes):
        kind = filtered[lane * stride]
        mine = masks[:, 4 * lane : 4 * lane + 4]
        mine[0] = 255 * (kind in (SUB, PAETH))
        mine[1] = 255 * (kind in (UP, PAETH))
        mine[2] = 255 * (kind == PAETH)
        mine[3] = 255 * (kind == AVERAGE)


@kernel("UniTuple(int64, 3)(int64, int64, int64)")
def _span(start: int, lane: int, width: int) -> tuple[int, int, int]:
    """First and end of a lane's pixels in the strip that begins at time `start`, and the first's place."""
    begun = start - _LAG * lane
    first = max(begun, 0)
    return first, max(min(begun + _STEPS, width), first), _BACK + first - begun


@kernel("void(uint8[::1], int64, int64, uint32[::1], uint32[:, ::1], int64, int64)")
def _enter(
    filtered: Bytes, step: int, offset: int, above: Words, strip: Words, start: int, lanes: int
) -> None:
    """Fill a strip: the row above in lane 0, then the filtered rows."""
    width = above.size
    first, end, place = _span(start, 0, width)
    strip[place : place + end - first, 0] = above[first:end]
    for lane in range(1, lanes + 1):
        first, end, place = _span(start, lane, width)
        row = filtered[(lane - 1) * (1 + width * step) + 1 + first * step + offset :]
        column = strip[place:, lane]
        for x in range(end - first):
            i = _U(x * step)
            low = np.uint32(row[i]) | np.uint32(row[i + _U(1)]) << 8
            column[x] = low | np.uint32(row[i + _U(2)]) << 16 | np.uint32(row[i + _U(3)]) << 24


@kernel("void(uint32[:, ::1], uint8[:, ::1])")
def _advance(strip: Words, masks: Bytes) -> None:
    """Undo the filters in a strip, step by step, all lanes and bytes at once."""
    byte = strip.reshape(strip.size).view(np.uint8)
    for t in range(_BACK, strip.shape[0]):
        now, before, earlier = _U(t * _LINE + 4), _U((t - 1) * _LINE + 4), _U((t - _LAG) * _LINE)
        corners = _U((t - _LAG - 1) * _LINE)
        for k in range(4 * LANES):
            i = _U(k)
            left, above = byte[before + i], byte[earlier + i]
            corner = byte[corners + i] & masks[2, i]
            guess = _paeth(left & masks[0, i], above & masks[1, i], corner)
            mean = ((left & above) + ((left ^ above) >> 1)) & masks[3, i]
            byte[now + i] = (np.int64(byte[now + i]) + guess + mean) & 255


@kernel("void(uint32[:, ::1], int64, uint32[::1], uint8[:, :, ::1])")
def _leave(strip: Words, start: int, above: Words, pixels: Bytes) -> None:
    """Copy what a strip holds to its rows, the last one also to `above`."""
    lanes, width, channels = pixels.shape
    for lane in range(1, lanes + 1):
        first, end, place = _span(start, lane, width)
        column, row = strip[place:, lane], pixels[lane - 1, first:end]
        if channels == 4:
            for x in range(end - first):
                word = column[x]
                row[x, 0], row[x, 1] = word & 255, (word >> 8) & 255
                row[x, 2], row[x, 3] = (word >> 16) & 255, word >> 24
        elif channels == 2:
            for x in range(end - first):
                word = column[x]
                row[x, 0], row[x, 1] = word & 255, (word >> 8) & 255
        else:
            for x in range(end - first):
                row[x, 0] = column[x] & 255
    first, end, place = _span(start, lanes, width)
    above[first:end] = strip[place : place + end - first, lanes]


@kernel("void(uint8[::1], uint32[::1], uint8[:, :, ::1], int64, int64, uint8[:, ::1])")
def _pass(filtered: Bytes, above: Words, pixels: Bytes, step: int, offset: int, masks: Bytes) -> None:
    """`unfilter` for as many rows as there are lanes, or fewer."""
    lanes, width = pixels.shape[0], pixels.shape[1]
    strip = np.zeros((_BACK + _STEPS, 1 + LANES), np.uint32)
    times = width + _LAG * lanes
    for start in range(0, times, _STEPS):
        _enter(filtered, step, offset, above, strip, start, lanes)
        _advance(strip[: _BACK + min(_STEPS, times - start)], masks)
        _leave(strip, start, above, pixels)
        strip[:_BACK] = strip[_STEPS:]


@kernel("void(uint8[::1], uint32[::1], uint8[:, :, ::1], int64, int64)")
def unfilter(filtered: Bytes, above: Words, pixels: Bytes, step: int, offset: int) -> None:
    """Undo the filters of a band.

    `filtered` holds, for each row, its filter type (0 to 4) and `step` bytes for each pixel, and `SPARE`
    bytes more; `above` is the row before as words, and becomes the last row; `pixels`, (rows, width, 1, 2
    or 4), takes so many bytes of each pixel from `offset` on, if more than `step` then with something after
    them. Pixels of six and eight bytes take two calls: no byte of the first four needs one of the others.
    """
    rows = pixels.shape[0]
    stride = 1 + pixels.shape[1] * step
    masks = np.empty((4, 4 * LANES), np.uint8)
    for first in range(0, rows, LANES):
        group = filtered[first * stride :]
        lanes = min(rows - first, LANES)
        _mask(group, stride, lanes, masks)
        _pass(group, above, pixels[first : first + lanes], step, offset, masks)


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
        out[i] = (np.int64(row[i]) - guess) & 255


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
