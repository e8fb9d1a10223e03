"""What grey means: one function per formula, colour band in, grey band out."""

from __future__ import annotations

import numpy as np

from shared.codecs import kernels
from shared.codecs.picture import Band


def bt601(band: Band) -> Band:
    """BT.601 luma of RGB or RGBA (alpha kept), as Pillow's ``convert("L")``; grey passes unchanged."""
    if band.shape[2] <= 2:
        return band
    grey = np.empty((*band.shape[:2], band.shape[2] - 2), np.uint8)
    kernels.bt601(band, grey)
    return grey


def flattened(band: Band) -> Band:
    """Grey and alpha composited on white."""
    grey = np.empty((*band.shape[:2], 1), np.uint8)
    kernels.flatten(band, grey)
    return grey
