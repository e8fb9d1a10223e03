"""Where numba finds kernels that were compiled when the image was built; see `kernel_cache`."""

from __future__ import annotations

from typing import Self

from numba.core.caching import UserProvidedCacheLocator


class BakedCacheLocator(UserProvidedCacheLocator):
    """As numba's own for NUMBA_CACHE_DIR, but content to read."""

    @classmethod
    def from_function(cls, py_func: object, py_file: str) -> Self:
        """The locator; no file is written to see whether one could."""
        return cls(py_func, py_file)
