"""Large bodies and results, in files that have no name: however a process ends, nothing is left.

Bytes go in and out by `pwrite` and `pread`, in threads: neither a slow disk nor a fault holds up an event
loop. Codecs see a file as a map of it, and give back the pages that they are through with (`codecs.pages`).
A map is only read where the file was written before, so a full disk is an error of `pwrite`, and a problem.
"""

from __future__ import annotations

import asyncio
import mmap
import os
import tempfile
import threading
import weakref
from collections.abc import AsyncIterator, Callable, Iterable
from pathlib import Path

from shared.codecs.pages import offset_of
from shared.problems import Overloaded

SLICE = 1 << 20
"""Bytes that are read or written at a time."""
SPOOL_DIR = "GRISAILLE_SPOOL_DIR"
"""The setting that a full disk names."""


class SpoolFile:
    """A file without a name; it is gone when nobody has it or looks at a map of it any more."""

    def __init__(self, folder: Path | None, claim: Callable[[SpoolFile, int], None]) -> None:
        """`claim` is told how large it is going to be, and may raise."""
        self._claim = claim
        self.claimed = 0
        """Bytes it takes, or is announced to."""
        self.size = 0
        """Bytes written."""
        try:
            file = tempfile.TemporaryFile(dir=folder, buffering=0)  # noqa: SIM115 - for as long as this lives
        except OSError as exc:
            raise _no_room(exc) from exc
        self._descriptor = file.fileno()
        weakref.finalize(self, file.close)

    def append(self, data: bytes | bytearray | memoryview) -> None:
        """Write more, in whatever thread, one at a time; `Overloaded` if there is no room."""
        if self.size + len(data) > self.claimed:
            self._claim(self, self.size + len(data))
        left = memoryview(data)
        try:
            while left:
                written = os.pwrite(self._descriptor, left, self.size)
                self.size += written
                left = left[written:]
        except OSError as exc:
            raise _no_room(exc) from exc

    def read(self, offset: int, size: int) -> bytes:
        """Bytes that were written before."""
        return os.pread(self._descriptor, size, offset)

    def map(self) -> memoryview:
        """The file as it will be when all that is claimed is written; only what is may be looked at.

        `Overloaded` where the system has no room for it.
        """
        try:
            os.ftruncate(self._descriptor, self.claimed)
            mapped = _Map(self._descriptor, self.claimed)
        except OSError as exc:
            raise _no_room(exc) from exc
        mapped.file = self
        return memoryview(mapped)


class _Map(mmap.mmap):
    """A map that keeps its file."""

    file: SpoolFile


def file_of(data: bytes | bytearray | memoryview) -> SpoolFile | None:
    """The spool file some data is in, if it is in one."""
    mapped = data.obj if isinstance(data, memoryview) else None
    return mapped.file if isinstance(mapped, _Map) else None


async def slices(file: SpoolFile, data: memoryview) -> AsyncIterator[bytes]:
    """Some data of a file, one piece after another."""
    offset = offset_of(data)
    for place in range(0, len(data), SLICE):
        yield await asyncio.to_thread(file.read, offset + place, min(SLICE, len(data) - place))


class Spool:
    """Where files are put, from which size on, and how many bytes they may have together."""

    def __init__(self, folder: Path | None = None, above: int = 64 << 20, limit: int = 2 << 30) -> None:
        """`above`: bytes that are still kept in memory."""
        self.above = above
        self._folder = folder
        self._limit = limit
        self._files: weakref.WeakSet[SpoolFile] = weakref.WeakSet()
        self._claiming = threading.Lock()

    def create(self, size: int = 0) -> SpoolFile:
        """A file for so many bytes, or for as many as there will be; `Overloaded` if there is no room."""
        file = SpoolFile(self._folder, self._claimed)
        if size:
            self._claimed(file, size)
        return file

    def _claimed(self, file: SpoolFile, size: int) -> None:
        with self._claiming:
            self._files.add(file)
            used = sum(other.claimed for other in self._files) - file.claimed + size
            if used > self._limit:
                raise Overloaded.over(
                    "bytes in spool files",
                    limit=self._limit,
                    actual=used,
                    setting="GRISAILLE_SPOOL_MAX_BYTES",
                )
            file.claimed = size

    @property
    def used(self) -> int:
        """Bytes of all files."""
        with self._claiming:
            return sum(file.claimed for file in self._files)

    def collected(self, pieces: Iterable[bytes]) -> list[bytes | memoryview]:
        """The same pieces, or one: a file, if they are too large together. Writes in the caller's thread."""
        kept, size, file = list[bytes | memoryview](), 0, None
        for piece in pieces:
            size += len(piece)
            kept.append(piece)
            if size > self.above:
                file = file or self.create()
                for one in kept:
                    file.append(one)
                kept.clear()
        return kept if file is None else [file.map()]


class Growing:
    """A body of unknown size: in memory, and in a file once it is too large for that."""

    def __init__(self, spool: Spool) -> None:
        self._spool = spool
        self._pending = bytearray()
        self._file: SpoolFile | None = None

    def __len__(self) -> int:
        return len(self._pending) + (self._file.size if self._file else 0)

    def add(self, data: bytes | memoryview) -> None:
        """Take more; `settle` is to be awaited soon."""
        self._pending += data

    async def settle(self) -> None:
        """Write what is too much for memory; `Overloaded` if there is no room."""
        if len(self._pending) > (self._spool.above if self._file is None else SLICE):
            await self._write()

    async def _write(self) -> None:
        self._file = self._file or self._spool.create()
        pending, self._pending = self._pending, bytearray()
        await asyncio.to_thread(self._file.append, pending)

    async def complete(self) -> memoryview:
        """All of it; what is still here then, perhaps in a cycle with a parser, keeps no file."""
        if self._file is None:
            return memoryview(self._pending)
        await self._write()
        file, self._file = self._file, None
        return file.map()


def _no_room(error: OSError) -> Overloaded:
    return Overloaded(
        f"no spool file can be written: {error.strerror} (setting {SPOOL_DIR})", setting=SPOOL_DIR
    )
