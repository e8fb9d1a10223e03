"""What grey means: one function per formula, colour band in, grey band out."""

from __future__ import annotations

import numpy as np

from shared.codecs import kernels
from shared.codecs.picture import Band


def bt601(band: Band) -> Band:
    """BT.601 luma of (rows, width, 3 or 4), as Pillow's ``convert("L")``; a fourth byte is not looked at."""
    grey = np.empty((*band.shape[:2], 1), np.uint8)
    kernels.bt601(band, grey)
    return grey


def flattened(band: Band) -> Band:
    """Grey and alpha composited on white."""
    grey = np.empty((*band.shape[:2], 1), np.uint8)
    kernels.flatten(band, grey)
    return grey
