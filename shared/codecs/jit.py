"""How our kernels are compiled: loops over pixels and bits, by numba, when their module is imported.

They free the GIL. With NUMBA_DISABLE_JIT=1 they are plain Python that one can step through. Kernels that
call each other stand in one file, since numba's cache looks for changes in no other.
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
    """`numba.njit` with our settings: compiled at once for these types, or loaded from the cache.

    With `inline` the code becomes part of each caller, where a call in a loop would cost too much.
    """
    return cast("Callable[[_F], _F]", numba.njit(signature, nogil=True, cache=True, forceinline=inline))
