"""Large receive buffers, used again: fresh memory must be faulted in page by page.

For a 53 MB upload that took 12 ms or, where the machine had to find the memory first, 100 ms, in the
gateway and once more in the worker.
"""

from __future__ import annotations

import sys

import numpy as np
from numpy.typing import NDArray

from shared.service.spool import Spool

_LARGE = 1 << 20
_REFERENCES_WHEN_FREE = 3
"""The list, the loop variable and the argument of `getrefcount`; a view that is out holds one more."""


class Buffers:
    """Hands out buffers, and keeps up to so many bytes of them for the next. Belongs to one thread.

    What is too large for memory is a file of the spool.
    """

    def __init__(self, spool: Spool, keep: int = 64 << 20) -> None:
        self.spool = spool
        self._keep = keep
        self._kept: list[NDArray[np.uint8]] = []

    def take(self, size: int) -> memoryview:
        """A buffer with anything in it; it is free again when no view of it is left.

        That of a spool file is written through the file (`spool.file_of`); `Overloaded` if there is no room.
        """
        if size > self.spool.above:
            return self.spool.create(size).map()
        for array in self._kept:
            if array.size >= size >= _LARGE and sys.getrefcount(array) == _REFERENCES_WHEN_FREE:
                return array[:size].data
        fresh = np.empty(size, np.uint8)
        if _LARGE <= size <= self._keep:
            self._kept.append(fresh)
            while sum(array.size for array in self._kept) > self._keep:
                self._kept.pop(0)  # if it is in use, its last view frees it
        return fresh.data
