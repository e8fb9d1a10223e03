"""The zip archive that answers a batch, written piece by piece to whoever reads it from the front.

Entries are stored, not deflated: images hardly shrink. Each has its size and CRC before its data, so that
it can be read before the rest is there. They stand in the order in which they were ready; the directory at
the end lists them in the order of the upload.
"""

from __future__ import annotations

import json
import sys
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from typing import TypeAlias

from gateway.batch.files import Date
from shared.problems import Member

ERRORS = "errors.json"
"""The last entry, if a file failed; no result has such a name."""
_MODE = 0o100644 << 16
"""A file that its owner may write and all may read (APPNOTE 4.4.15, as Unix has it)."""

Pieces: TypeAlias = list[bytes | memoryview]
Error: TypeAlias = Mapping[str, str | Mapping[str, Member]]
"""The name of a file as it was sent, and the problem document."""


class Archive:
    """An archive under way; every method returns the bytes to send next."""

    def __init__(self) -> None:
        self._sink = _Sink()
        self._zip = zipfile.ZipFile(self._sink, "w")
        self._places: dict[str, int] = {}

    def add(self, name: str, pieces: Iterable[bytes | memoryview], date: Date, place: int) -> Pieces:
        """A complete entry; `place` is the one it has in the directory."""
        self._places[name] = place
        info = zipfile.ZipInfo(name, date)
        info.external_attr = _MODE
        pieces = list(pieces)
        info.file_size = sum(map(len, pieces))  # tells zipfile whether it must be zip64
        with self._zip.open(info, "w") as entry:
            for piece in pieces:
                entry.write(piece)
        return self._sink.take()

    def add_errors(self, errors: Sequence[Error], date: Date) -> Pieces:
        """The entry that says which files failed, and why."""
        text = json.dumps(errors, ensure_ascii=False, indent=1)
        return self.add(ERRORS, [text.encode()], date, place=sys.maxsize)

    def end(self) -> Pieces:
        """The directory."""
        self._zip.filelist.sort(key=lambda info: self._places[info.filename])
        self._zip.close()
        return self._sink.take()


class _Sink:
    """Where zipfile writes.

    It goes back to the head of an entry once its size and CRC are known; all of that entry is still here.
    """

    def __init__(self) -> None:
        self._pieces: Pieces = []
        self._start = self._at = 0

    def take(self) -> Pieces:
        """What was written since the last time."""
        pieces, self._pieces, self._start = self._pieces, [], self._at
        return pieces

    def tell(self) -> int:
        """Where the next write begins."""
        return self._at

    def seek(self, offset: int) -> None:
        """Go there."""
        self._at = offset

    def write(self, data: bytes | memoryview) -> int:
        """Take a piece; one that is not at the end takes the place of the first, which has its length."""
        if self._pieces and self._at == self._start:
            self._pieces[0] = data
        else:
            self._pieces.append(data)
        self._at += len(data)
        return len(data)

    def flush(self) -> None:
        """Nothing waits here."""

    def close(self) -> None:
        """Nothing is open."""
