"""Loops over pixels: what colours look like in grey."""

# mypy: disable-error-code="arg-type, assignment, no-any-return, return-value"
# (numba's integers have the widths of the signatures, which mypy does not read)

from __future__ import annotations

import numpy as np

from shared.codecs.jit import Bytes, kernel

_U = np.uint64
"""Indices are unsigned: numba makes a negative one count from the end, which keeps a loop from vectors."""


@kernel("uint8(uint8, uint8, uint8)")
def _bt601(red: int, green: int, blue: int) -> int:
    """(19595 R + 38470 G + 7471 B + 32768) >> 16: Pillow's integers (libImaging/Convert.c, L24)."""
    total = np.uint32(19595) * np.uint32(red) + np.uint32(38470) * np.uint32(green)
    return np.uint32(total + np.uint32(7471) * np.uint32(blue) + np.uint32(32768)) >> np.uint32(16)


@kernel("void(uint8[:, :, ::1], uint8[:, :, ::1])")
def bt601(colour: Bytes, grey: Bytes) -> None:
    """ITU-R BT.601 luma of (rows, width, 3 or 4) as (rows, width, 1); a fourth byte is not looked at."""
    flat, out = colour.reshape(colour.size), grey.reshape(grey.size)
    if colour.shape[2] == 4:
        for x in range(out.size):
            i = _U(4 * x)
            out[_U(x)] = _bt601(flat[i], flat[i + _U(1)], flat[i + _U(2)])
    else:
        for x in range(out.size):
            i = _U(3 * x)
            out[_U(x)] = _bt601(flat[i], flat[i + _U(1)], flat[i + _U(2)])


@kernel("void(uint8[:, :, ::1], uint8[:, :, ::1], uint8[:, :, ::1])")
def with_alpha(grey: Bytes, colour: Bytes, both: Bytes) -> None:
    """(rows, width, 1) and the alpha of (rows, width, 4) as (rows, width, 2)."""
    one, four, two = grey.reshape(grey.size), colour.reshape(colour.size), both.reshape(both.size)
    for x in range(one.size):
        two[_U(2 * x)] = one[_U(x)]
        two[_U(2 * x + 1)] = four[_U(4 * x + 3)]


@kernel("void(uint8[:, :, ::1], uint8[:, :, ::1])")
def flatten(grey_alpha: Bytes, grey: Bytes) -> None:
    """Grey under alpha, composited on white in stored values, rounded to the nearest."""
    for y in range(grey_alpha.shape[0]):
        for x in range(grey_alpha.shape[1]):
            alpha = np.int64(grey_alpha[y, x, 1])
            grey[y, x, 0] = (grey_alpha[y, x, 0] * alpha + 255 * (255 - alpha) + 127) // 255
