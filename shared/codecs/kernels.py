"""Loops over pixels: what colours look like in grey, in 8 and 16 bits."""

# mypy: disable-error-code="arg-type, assignment, no-any-return, return-value"
# (numba's integers have the widths of the signatures, which mypy does not read)

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from shared.codecs.jit import Samples, kernel

Floats = NDArray[np.float32]

_U = np.uint64
"""Indices are unsigned: numba makes a negative one count from the end, which keeps a loop from vectors."""


@kernel("uint32(uint32, uint32, uint32, uint32, uint32, uint32)", inline=True)
def _weigh(red: int, green: int, blue: int, of_red: int, of_green: int, of_blue: int) -> int:
    """The sum in 65536ths, rounded to the nearest; the sum of 16-bit samples just fits 32 bits."""
    total = np.uint32(of_red * red) + np.uint32(of_green * green)
    return np.uint32(total + np.uint32(of_blue * blue) + np.uint32(32768)) >> np.uint32(16)


@kernel(
    "void(uint8[:, :, ::1], uint8[:, :, ::1], uint32, uint32, uint32)",
    "void(uint16[:, :, ::1], uint16[:, :, ::1], uint32, uint32, uint32)",
)
def weighted(colour: Samples, grey: Samples, of_red: int, of_green: int, of_blue: int) -> None:
    """A weighted sum of (rows, width, 3 or 4) as (rows, width, 1); a fourth sample is not looked at.

    The weights are 65536ths, and their sum is 65536.
    """
    flat, out = colour.reshape(colour.size), grey.reshape(grey.size)
    if colour.shape[2] == 4:
        for x in range(out.size):
            i = _U(4 * x)
            out[_U(x)] = _weigh(flat[i], flat[i + _U(1)], flat[i + _U(2)], of_red, of_green, of_blue)
    else:
        for x in range(out.size):
            i = _U(3 * x)
            out[_U(x)] = _weigh(flat[i], flat[i + _U(1)], flat[i + _U(2)], of_red, of_green, of_blue)


@kernel("void(uint8[:, :, ::1], uint8[:, :, ::1])", "void(uint16[:, :, ::1], uint16[:, :, ::1])")
def mean(colour: Samples, grey: Samples) -> None:
    """The mean of three samples, rounded to the nearest; shapes as in `weighted`."""
    step = colour.shape[2]
    flat, out = colour.reshape(colour.size), grey.reshape(grey.size)
    for x in range(out.size):
        i = _U(step * x)
        total = np.uint32(flat[i]) + np.uint32(flat[i + _U(1)]) + np.uint32(flat[i + _U(2)])
        out[_U(x)] = np.uint32(total + np.uint32(1)) // np.uint32(3)


@kernel(
    "void(uint8[:, :, ::1], uint8[:, :, ::1], float32[:, ::1], float32[::1])",
    "void(uint16[:, :, ::1], uint16[:, :, ::1], float32[:, ::1], float32[::1])",
)
def in_linear_light(colour: Samples, grey: Samples, light: Floats, stored: Floats) -> None:
    """A weighted sum of light; shapes as in `weighted`.

    `light[channel, sample]` is what a sample adds, in steps of `stored`: the samples for evenly spaced
    amounts of light, and one more. Between two of them the result is interpolated.
    """
    step = colour.shape[2]
    flat, out = colour.reshape(colour.size), grey.reshape(grey.size)
    for x in range(out.size):
        i = _U(step * x)
        total = light[0, flat[i]] + light[1, flat[i + _U(1)]] + light[2, flat[i + _U(2)]]
        place = _U(total)
        between = total - np.float32(place)
        below, above = stored[place], stored[place + _U(1)]
        out[_U(x)] = below + between * (above - below) + np.float32(0.5)


@kernel(
    "void(uint8[:, :, ::1], uint8[:, :, ::1], uint8[:, :, ::1])",
    "void(uint16[:, :, ::1], uint16[:, :, ::1], uint16[:, :, ::1])",
)
def with_alpha(grey: Samples, colour: Samples, both: Samples) -> None:
    """(rows, width, 1) and the alpha of (rows, width, 4) as (rows, width, 2)."""
    one, four, two = grey.reshape(grey.size), colour.reshape(colour.size), both.reshape(both.size)
    for x in range(one.size):
        two[_U(2 * x)] = one[_U(x)]
        two[_U(2 * x + 1)] = four[_U(4 * x + 3)]


@kernel(
    "void(uint8[:, :, ::1], uint8[:, :, ::1], int64)",
    "void(uint16[:, :, ::1], uint16[:, :, ::1], int64)",
)
def flatten(grey_alpha: Samples, grey: Samples, white: int) -> None:
    """Grey under alpha, composited on white in stored values, rounded to the nearest."""
    for y in range(grey_alpha.shape[0]):
        for x in range(grey_alpha.shape[1]):
            alpha = np.int64(grey_alpha[y, x, 1])
            grey[y, x, 0] = (grey_alpha[y, x, 0] * alpha + white * (white - alpha) + white // 2) // white
