"""A picture as a stream of bands: what decoders hand to encoders, never all of it at once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Band: TypeAlias = NDArray[np.uint8 | np.uint16]
"""(rows, width, channels): some rows of a picture, in the machine's byte order."""

Pieces: TypeAlias = list[bytes | memoryview]
"""A file, to be written one piece after another."""
Collect: TypeAlias = Callable[[Iterable[bytes]], Pieces]
"""Keeps what an encoder makes until all of it is there: `list`, or a way that takes less memory."""

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
    depth: int = 8
    """Bits of a sample, 8 or 16: those of the bands' type."""

    def each(
        self, change: Callable[[Band], Band], *, channels: int | None = None, depth: int | None = None
    ) -> Picture:
        """The picture with every band changed; channels and depth too where they are told."""
        return replace(
            self,
            channels=channels or self.channels,
            depth=depth or self.depth,
            bands=map(change, self.bands),
        )

    @property
    def row_bytes(self) -> int:
        """Bytes of a row."""
        return self.width * self.channels * self.depth // 8


def rows_per_band(row_bytes: int) -> int:
    """How many rows make a band of about `BAND_BYTES`: a multiple of 8, at least 8."""
    return max(BAND_BYTES // max(row_bytes, 1) // 8 * 8, 8)


def sliced(pixels: Band) -> Iterator[Band]:
    """A decoded block of rows as bands of the usual size."""
    step = rows_per_band(pixels.shape[1] * pixels.shape[2] * pixels.itemsize)
    for row in range(0, pixels.shape[0], step):
        yield pixels[row : row + step]
