"""Large bodies in files that have no name: however a process ends, nothing is left."""

from __future__ import annotations

import os
import tempfile
import weakref


class SpoolFile:
    """A file without a name; it is gone when nobody has it any more."""

    def __init__(self) -> None:
        self.size = 0
        file = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115 - for as long as this lives
        self._descriptor = file.fileno()
        weakref.finalize(self, file.close)

    def append(self, data: bytes | bytearray | memoryview) -> None:
        """Write more, in whatever thread, one at a time."""
        left = memoryview(data)
        while left:
            written = os.pwrite(self._descriptor, left, self.size)
            self.size += written
            left = left[written:]

    def read(self, offset: int, size: int) -> bytes:
        """Bytes that were written before."""
        return os.pread(self._descriptor, size, offset)
