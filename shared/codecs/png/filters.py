"""Filtering rows before deflate (PNG section 9): bytes of rows in, filter type and filtered bytes out."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from shared.codecs.png import kernels

Filtered = NDArray[np.uint8]
"""(rows, 1 + row bytes), the filter type first."""


class UpFilter:
    """Up for all rows: the cheapest that serves photographs.

    The first row is filtered by Sub, so that a stripe may follow another one in a merged image.
    """

    def __init__(self, row_bytes: int, step: int) -> None:
        self._step = step
        self._above: NDArray[np.uint8] | None = None
        self._row_bytes = row_bytes

    def __call__(self, rows: NDArray[np.uint8]) -> Filtered:
        """The rows, filtered."""
        out = np.empty((rows.shape[0], 1 + self._row_bytes), np.uint8)
        out[:, 0] = kernels.UP
        np.subtract(rows[1:], rows[:-1], out=out[1:, 1:])
        if self._above is None:
            out[0, 0] = kernels.SUB
            out[0, 1 : 1 + self._step] = rows[0, : self._step]
            np.subtract(rows[0, self._step :], rows[0, : -self._step], out=out[0, 1 + self._step :])
        else:
            np.subtract(rows[0], self._above, out=out[0, 1:])
        self._above = rows[-1]
        return out


class AdaptiveFilter:
    """For each row the type with the smallest sum of absolute differences (PNG section 12.7)."""

    def __init__(self, row_bytes: int, step: int) -> None:
        self._step = step
        self._above = np.zeros(row_bytes, np.uint8)
        self._first = True

    def __call__(self, rows: NDArray[np.uint8]) -> Filtered:
        """The rows, filtered."""
        rows = np.ascontiguousarray(rows)
        out = np.empty((rows.shape[0], 1 + rows.shape[1]), np.uint8)
        kernels.filter_adaptive(rows, self._above, out, self._step, self._first)
        self._above, self._first = rows[-1], False
        return out
