"""How this project compiles its loops: by numba, when their module is imported, or from its cache.

All are `nogil`. With NUMBA_DISABLE_JIT=1 they are plain Python that one can step through. numba's cache
notices changes of one file only: kernels that call each other stand in the same.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar, cast

import numba
import numpy as np
from numpy.typing import NDArray

Bytes = NDArray[np.uint8]
READ_ONLY = "Array(uint8, 1, 'C', True)"
"""Bytes in a signature, of a file that may be immutable."""
_F = TypeVar("_F", bound=Callable[..., object])


def kernel(signature: str, *, inline: bool = False) -> Callable[[_F], _F]:
    """`numba.njit` with our settings, compiled when the module is imported; perhaps into its callers."""
    return cast("Callable[[_F], _F]", numba.njit(signature, nogil=True, cache=True, forceinline=inline))
