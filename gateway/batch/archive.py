"""The files of a zip archive (PKWARE's APPNOTE) that lies in a spool file.

What the archive says of its files is checked before any is unpacked, so that a bomb is refused for its
claims; and no file unpacks to more than it claims.
"""

from __future__ import annotations

import contextlib
import functools
import io
import re
import struct
import zipfile
import zlib
from collections.abc import Iterator

from gateway.batch.files import PIECE, BatchFile
from gateway.settings import GatewaySettings
from shared.problems import InvalidArchive, UnsupportedArchive, UploadTooLarge
from shared.service.spool import SpoolFile

SIGNATURES = (b"PK\x03\x04", b"PK\x05\x06")
"""Of an archive's first file, and of one without files."""
SIGNATURE_BYTES = 4

_METHODS = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}
"""Others are rare, and LZMA's decoder takes as much memory as the file tells it to."""
_ENCRYPTED = 1
"""General purpose bit 0 (APPNOTE 4.4.4)."""
_DIRECTORY_BYTES_A_FILE = 1 << 10
_UTF8 = 1 << 11
"""General purpose bit 11: how the name is encoded."""
_NO_FILES = re.compile(r".*/\Z|__MACOSX/|(.*/)?\.DS_Store\Z", re.DOTALL)
"""Folders, and what macOS adds to an archive."""
_DAMAGED = (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, OverflowError, struct.error)


def files(spooled: SpoolFile, settings: GatewaySettings) -> list[BatchFile]:
    """All files of an archive, in its order, unpacked only when they are read.

    Raises `InvalidArchive`, `UnsupportedArchive` for an encrypted one, and `UploadTooLarge` where the
    archive says that its files are more, or larger, than the limits.
    """
    try:
        archive = zipfile.ZipFile(_Reader(spooled, settings.batch_max_files))
    except NotImplementedError as exc:
        raise UnsupportedArchive(f"the archive is of a kind we do not read: {exc}") from exc
    except _DAMAGED as exc:
        raise InvalidArchive(f"the archive cannot be read: {exc}") from exc
    found = [info for info in archive.infolist() if not _NO_FILES.match(info.filename)]
    if any(info.flag_bits & _ENCRYPTED for info in found):
        raise UnsupportedArchive("the archive is encrypted")
    check_count(len(found), settings)
    check_size("the files of the archive, unpacked, in bytes", sum(i.file_size for i in found), settings)
    return [
        BatchFile(_name(info), info.file_size, functools.partial(_unpacked, archive, info), info.date_time)
        for info in found
    ]


def _name(info: zipfile.ZipInfo) -> str:
    """The name; macOS and others write UTF-8 without saying so, where zipfile takes it for code page 437."""
    if not info.flag_bits & _UTF8:
        with contextlib.suppress(UnicodeError):
            return info.filename.encode("cp437").decode()
    return info.filename


def check_count(count: int, settings: GatewaySettings) -> None:
    """Raise `UploadTooLarge` for more files than a batch may have."""
    limit = settings.batch_max_files
    if count > limit:
        what, setting = "the number of files", "GRISAILLE_BATCH_MAX_FILES"
        raise UploadTooLarge.over(what, limit=limit, actual=count, setting=setting)


def check_size(what: str, size: int, settings: GatewaySettings) -> None:
    """Raise `UploadTooLarge` for more bytes than a batch may have."""
    limit = settings.batch_max_bytes
    if size > limit:
        raise UploadTooLarge.over(what, limit=limit, actual=size, setting="GRISAILLE_BATCH_MAX_BYTES")


def _unpacked(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> Iterator[bytes]:
    """The bytes of one file, as many as it claims, checked against its CRC."""
    if info.compress_type not in _METHODS:
        raise UnsupportedArchive(f"this file is compressed by method {info.compress_type}, not by deflate")
    try:
        with archive.open(info) as entry:
            left = info.file_size
            while piece := entry.read(PIECE):
                left -= len(piece)
                yield piece
    except NotImplementedError as exc:
        raise UnsupportedArchive(f"this file of the archive is of a kind we do not read: {exc}") from exc
    except _DAMAGED as exc:
        # What zipfile says may have names of files in it, and problems are logged.
        raise InvalidArchive("this file of the archive is damaged: it does not unpack") from exc
    if left:
        raise InvalidArchive(f"this file of the archive ends {left} bytes early")


class _Reader(io.RawIOBase):
    """A spool file as zipfile wants to read it: at a place of its own."""

    def __init__(self, file: SpoolFile, most_files: int) -> None:
        self._file = file
        self._at = 0
        self._most_files = most_files
        # The largest other read is that of zipfile's search for the directory's end, 64 KiB and a bit.
        self._most = max(_DIRECTORY_BYTES_A_FILE * most_files, 1 << 20)

    def seekable(self) -> bool:
        """It is."""
        return True

    def tell(self) -> int:
        """Where the next read begins."""
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Go there."""
        at = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._file.size}[whence] + offset
        if at < 0:
            raise OSError("before the beginning")
        self._at = at
        return self._at

    def read(self, size: int = -1) -> bytes:
        """The next bytes. zipfile reads a whole directory at once: here one that is too long is refused."""
        left = max(self._file.size - self._at, 0)
        size = left if size < 0 else min(size, left)
        if size > self._most:
            what = f"the directory of the archive in bytes, for up to {self._most_files} files,"
            setting = "GRISAILLE_BATCH_MAX_FILES"
            raise UploadTooLarge.over(what, limit=self._most, actual=size, setting=setting)
        data = self._file.read(self._at, size)
        self._at += len(data)
        return data
