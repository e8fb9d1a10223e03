"""The zlib stream of a PNG, read in pieces of exact size."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import cast

from isal import isal_zlib

from shared.codecs.pages import passed
from shared.problems import MalformedImage

_InflateError = cast("type[Exception]", isal_zlib.error)  # its stubs give the class an instance's type
_PIECE = 1 << 17
"""Compressed bytes handed to inflate at a time: what it leaves over, it copies."""


def _pieces(compressed: Iterable[memoryview]) -> Iterator[memoryview]:
    """The same bytes, fewer at a time."""
    for data in compressed:
        for i in range(0, len(data), _PIECE):
            yield data[i : i + _PIECE]
            if len(data) > _PIECE:  # else `chunks` does it
                passed(data, i, min(i + _PIECE, len(data)))


class Inflater:
    """A zlib stream read in pieces of exact size; never holds more than one piece."""

    def __init__(self, compressed: Iterable[memoryview]) -> None:
        self._pieces = _pieces(compressed)
        self._stream = isal_zlib.decompressobj()
        self._tail: bytes | memoryview = b""

    def read(self, size: int) -> Iterator[bytes]:
        """The next `size` bytes as they come; `MalformedImage` if the stream is damaged or has fewer."""
        while size:
            piece = self._inflate(size)
            size -= len(piece)
            yield piece

    def finish(self, spare: int = 0) -> None:
        """Check that nothing but up to `spare` bytes and a right Adler-32 follow; else `MalformedImage`."""
        while not self._stream.eof:
            spare -= len(self._inflate(spare + 1))
            if spare < 0:
                raise MalformedImage("the image data goes on after the last row")

    def _inflate(self, limit: int) -> bytes:
        """Up to `limit` bytes, perhaps none; `MalformedImage` where none can follow."""
        if self._stream.eof:
            raise MalformedImage("the image data ends before the last row")
        if not self._tail:
            self._tail = next(self._pieces, b"")
            exhausted = not self._tail
        else:
            exhausted = False
        try:
            inflated: bytes = self._stream.decompress(self._tail, limit)
        except _InflateError as exc:
            raise MalformedImage(f"the image data does not inflate: {exc}") from exc
        self._tail = self._stream.unconsumed_tail
        if exhausted and not inflated and not self._stream.eof:
            raise MalformedImage("the image data is cut short")
        return inflated
