"""A picture as a stream of bands: what decoders hand to encoders, never all of it at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Band: TypeAlias = NDArray[np.uint8]
"""(rows, width, channels): some rows of a picture. Depth is the dtype's."""

BAND_BYTES = 1 << 19
"""Size of a band to aim at: small enough for a core's cache, large enough to hide the cost of a call."""


@dataclass(frozen=True, slots=True)
class Picture:
    """Rows from top to bottom. Every band but the last has a multiple of 8 rows."""

    width: int
    height: int
    channels: int
    """1 grey, 2 grey and alpha."""
    bands: Iterator[Band]
    """To be consumed once."""

    def each(self, change: Callable[[Band], Band], *, channels: int) -> Picture:
        """The picture with every band changed."""
        return replace(self, channels=channels, bands=map(change, self.bands))


def rows_per_band(row_bytes: int) -> int:
    """How many rows make a band of about `BAND_BYTES`: a multiple of 8, at least 8."""
    return max(BAND_BYTES // max(row_bytes, 1) // 8 * 8, 8)


def sliced(pixels: Band) -> Iterator[Band]:
    """A decoded block of rows as bands of the usual size."""
    step = rows_per_band(pixels.shape[1] * pixels.shape[2])
    for row in range(0, pixels.shape[0], step):
        yield pixels[row : row + step]
