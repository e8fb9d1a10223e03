"""How our kernels are compiled: loops over pixels and bits, by numba, when their module is imported.

They free the GIL. With NUMBA_DISABLE_JIT=1 they are plain Python that one can step through. numba's cache
looks for changes in a kernel's own file alone: one that calls kernels of another names it (`uses`).
"""

from __future__ import annotations

import hashlib
import inspect
from collections.abc import Callable
from types import ModuleType
from typing import Any, TypeVar, cast

from shared.codecs import kernel_cache

kernel_cache.use()  # before numba is imported, which reads its settings then

import numba  # noqa: E402
import numpy as np  # noqa: E402
from numpy.typing import NDArray  # noqa: E402

Bytes = NDArray[np.uint8]
Samples = NDArray[np.uint8 | np.uint16]
READ_ONLY = "Array(uint8, 1, 'C', True)"
"""Bytes in a signature, of a file that may be immutable."""
_F = TypeVar("_F", bound=Callable[..., object])
_compiled: list[Any] = []


def kernel(*signatures: str, inline: bool = False, uses: ModuleType | None = None) -> Callable[[_F], _F]:
    """`numba.njit` with our settings: compiled at once for these types, or loaded from the cache.

    With `inline` the code becomes part of each caller, where a call in a loop would cost too much. Where
    nothing can be written, a kernel that is not in the cache is compiled for this process alone. `uses` is
    the module whose kernels it calls: what they are is part of its name in the cache.
    """
    suffix = "" if uses is None else f".{_digest(uses)}"

    def compiled(function: _F) -> _F:
        function.__qualname__ += suffix
        try:
            made = numba.njit(list(signatures), nogil=True, cache=True, forceinline=inline)(function)
        except (OSError, RuntimeError):  # numba's "no locator available"
            made = numba.njit(list(signatures), nogil=True, forceinline=inline)(function)
        _compiled.append(made)
        return cast("_F", made)

    return compiled


def _digest(module: ModuleType) -> str:
    return hashlib.sha256(inspect.getsource(module).encode()).hexdigest()[:16]


def cache_misses() -> int:
    """How many kernels this process had to compile."""
    return sum(not made.stats.cache_hits for made in _compiled if hasattr(made, "stats"))
