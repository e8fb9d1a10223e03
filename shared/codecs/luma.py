"""What grey means: one formula per luma, colour band in, grey band of the same depth out.

`bt601`, `bt601-rgb`: (19595 R + 38470 G + 7471 B + 32768) >> 16, the weights of ITU-R BT.601 in Pillow's
integers (libImaging/Convert.c, L24). `bt709`: (13933 R + 46871 G + 4732 B + 32768) >> 16, the weights of
ITU-R BT.709 item 3.2 on stored values. `linear`: the same weights on linear light, stored as sRGB again
(IEC 61966-2-1), which is libvips' `b-w`. `average`: (R + G + B + 1) // 3. `red`, `green`, `blue`: that
channel.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from shared.codecs import kernels
from shared.codecs.picture import Band
from shared.options import Luma

Formula: TypeAlias = Callable[[Band], Band]
"""(rows, width, 3 or 4) to (rows, width, 1) of the same depth; a fourth sample is not looked at."""

_BT601 = 19595, 38470, 7471
_BT709 = 13933, 46871, 4732
"""65536ths of red, green and blue."""
_BT709_LIGHT = 0.2126, 0.7152, 0.0722
_LIGHT_STEPS = 65536
"""Fine enough for 16 bits: interpolation is off by less than a hundredth of a step."""


def formula(luma: Luma) -> Formula:
    """The formula of a luma."""
    match luma:
        case Luma.BT601 | Luma.BT601_RGB:
            return functools.partial(_weighted, _BT601)
        case Luma.BT709:
            return functools.partial(_weighted, _BT709)
        case Luma.LINEAR:
            return _linear
        case Luma.AVERAGE:
            return _average
        case Luma.RED | Luma.GREEN | Luma.BLUE:
            return functools.partial(_channel, (Luma.RED, Luma.GREEN, Luma.BLUE).index(luma))


def _empty(band: Band) -> Band:
    return np.empty((*band.shape[:2], 1), band.dtype)


def _weighted(weights: tuple[int, int, int], band: Band) -> Band:
    grey = _empty(band)
    kernels.weighted(band, grey, *weights)
    return grey


def _average(band: Band) -> Band:
    grey = _empty(band)
    kernels.mean(band, grey)
    return grey


def _channel(index: int, band: Band) -> Band:
    return np.ascontiguousarray(band[:, :, index : index + 1])


def _linear(band: Band) -> Band:
    grey = _empty(band)
    kernels.in_linear_light(band, grey, *_tables(8 * band.itemsize))
    return grey


@functools.cache
def _tables(depth: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """What each sample adds to the light, by channel, and the samples for each amount of it."""
    peak = 2**depth - 1
    light = _linearised(np.arange(peak + 1) / peak) * _LIGHT_STEPS
    stored = _stored(np.arange(_LIGHT_STEPS + 2) / _LIGHT_STEPS) * peak
    return np.outer(_BT709_LIGHT, light).astype(np.float32), np.minimum(stored, peak).astype(np.float32)


def _linearised(stored: NDArray[np.float64]) -> NDArray[np.float64]:
    """IEC 61966-2-1: light for stored values, both 0 to 1."""
    return np.where(stored <= 0.04045, stored / 12.92, ((stored + 0.055) / 1.055) ** 2.4)


def _stored(light: NDArray[np.float64]) -> NDArray[np.float64]:
    """The way back."""
    return np.where(light <= 0.0031308, light * 12.92, 1.055 * light ** (1 / 2.4) - 0.055)


def with_alpha(grey: Band, colour: Band) -> Band:
    """(rows, width, 2) of grey and the alpha of (rows, width, 4)."""
    both = np.empty((*grey.shape[:2], 2), grey.dtype)
    kernels.with_alpha(grey, colour, both)
    return both


def flattened(band: Band) -> Band:
    """Grey and alpha composited on white."""
    grey = _empty(band)
    kernels.flatten(band, grey, 2 ** (8 * band.itemsize) - 1)
    return grey


def narrowed(band: Band) -> Band:
    """16 bits as 8: (v * 255 + 32767) // 65535."""
    return ((band.astype(np.uint32) * 255 + 32767) // 65535).astype(np.uint8)
