"""How our kernels are compiled: loops over pixels, by numba, when their module is imported.

They free the GIL. With NUMBA_DISABLE_JIT=1 they are plain Python that one can step through. None
checks its arguments: callers pass arrays whose shapes they made themselves. Kernels that call each
other stand in one file, since numba's cache looks for changes in no other.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar, cast

import numba
import numpy as np
from numpy.typing import NDArray

Bytes = NDArray[np.uint8]
_F = TypeVar("_F", bound=Callable[..., object])


def kernel(signature: str) -> Callable[[_F], _F]:
    """`numba.njit` with our settings: compiled at once for these types, or loaded from the cache."""
    return cast("Callable[[_F], _F]", numba.njit(signature, nogil=True, cache=True))
