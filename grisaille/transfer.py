"""Files on their way: what is sent can be sent again, what comes in is seen only once it is complete."""

from __future__ import annotations

import contextlib
import io
import os
import secrets
import shutil
import tempfile
import weakref
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, TypeAlias

Source: TypeAlias = str | os.PathLike[str] | bytes | bytearray | memoryview | BinaryIO
"""A path, the file itself, or a file object, read from where it stands."""
Target: TypeAlias = str | os.PathLike[str] | BinaryIO
"""A path or a file object."""

CHUNK = 1 << 18
_BUFFER = 1 << 16
"""Less than a chunk, which then needs not be copied into it."""
_IN_MEMORY = 64 << 20
_NAME = 40
"""Characters of a name that its hidden file repeats: file systems take 255 bytes."""


@dataclass(frozen=True, slots=True)
class Upload:
    """A file to send, from its beginning as often as it takes."""

    file: BinaryIO
    start: int
    size: int
    """Bytes."""

    def chunks(self) -> Iterator[bytes]:
        """The file; `OSError` if it has become shorter meanwhile."""
        self.file.seek(self.start)
        left = self.size
        while left:
            chunk = self.file.read(min(CHUNK, left))
            if not chunk:
                raise OSError("the file became shorter while it was sent")
            left -= len(chunk)
            yield chunk


@contextlib.contextmanager
def uploading(source: Source) -> Iterator[Upload]:
    """The source, open until the block is left. What cannot be read twice is kept: on disk if it is large."""
    with contextlib.ExitStack() as stack:
        if isinstance(source, (bytes, bytearray, memoryview)):
            file: BinaryIO = io.BytesIO(source)
        elif isinstance(source, (str, os.PathLike)):
            file = stack.enter_context(Path(source).open("rb"))
        else:
            file = source
        if not file.seekable():
            kept = stack.enter_context(tempfile.SpooledTemporaryFile(_IN_MEMORY))
            shutil.copyfileobj(file, kept, CHUNK)
            kept.seek(0)
            file = kept  # type: ignore[assignment]  # a binary file in all but its declaration
        start = file.tell()
        yield Upload(file, start, file.seek(0, io.SEEK_END) - start)


@dataclass(slots=True)
class Download:
    """Where an answer is written."""

    file: BinaryIO
    path: Path | None = None
    """Where it will be, if that is a path."""
    content: bytes = b""
    """The answer, if it was for nobody else, once it is complete."""


@contextlib.contextmanager
def downloading(target: Target | None) -> Iterator[Download]:
    """A file to write the answer to; it becomes the target when the block ends well, and else vanishes.

    A path is replaced in one step: nobody ever sees half a picture there.
    """
    if target is None:
        memory = io.BytesIO()
        download = Download(memory)
        yield download
        download.content = memory.getvalue()
    elif isinstance(target, (str, os.PathLike)):
        path = Path(target)
        with _replaced(path) if path.is_file() or not path.exists() else _opened(path) as file:
            yield Download(file, path)
    else:
        with _filled(target) as file:
            yield Download(file)


@contextlib.contextmanager
def _replaced(path: Path) -> Iterator[BinaryIO]:
    """A hidden file beside the path, or beside what a link stands for, that takes its place."""
    place = Path(os.path.realpath(path))
    part = place.with_name(f".{place.name[:_NAME]}.{secrets.token_hex(4)}.part")
    try:
        with part.open("xb", buffering=_BUFFER) as file:
            weakref.finalize(file, part.unlink, missing_ok=True)  # at exit, if its thread still waits then
            yield file
        part.replace(place)
    finally:
        part.unlink(missing_ok=True)


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[BinaryIO]:
    """For a device or a pipe, which nothing may take the place of."""
    with path.open("wb") as target, _filled(target) as file:
        yield file


@contextlib.contextmanager
def _filled(target: BinaryIO) -> Iterator[BinaryIO]:
    """A file that is copied to the target."""
    with tempfile.SpooledTemporaryFile(_IN_MEMORY) as kept:
        yield kept  # type: ignore[misc]  # as above
        kept.seek(0)
        shutil.copyfileobj(kept, target, CHUNK)
