"""multipart/form-data (RFC 7578) while it comes in: the bytes of its files go to whoever takes them.

Fields that are no files are refused: options belong in the query.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from shared.problems import InvalidMultipart

if TYPE_CHECKING:
    from python_multipart.multipart import MultipartCallbacks

_MEDIA_TYPE = b"multipart/form-data"


class Files(Protocol):
    """Takes the files of a form, one after another."""

    def begin(self, filename: str | None) -> None:
        """A file begins; its name, if that is not empty. May raise a `Problem`."""

    def add(self, piece: memoryview) -> None:
        """The next bytes of that file, valid until this returns. May raise a `Problem`."""


def boundary(content_type: str) -> bytes | None:
    """What parts of a form of this type are separated by, or None if it is no form; `InvalidMultipart`."""
    kind, parameters = parse_options_header(content_type)
    if kind != _MEDIA_TYPE:
        return None
    found = parameters.get(b"boundary", b"")
    if not found:
        raise InvalidMultipart("the Content-Type names no boundary")
    return found


class Form:
    """A form whose body is written here piece by piece, of at most `max_size` bytes."""

    def __init__(self, boundary: bytes, files: Files, max_size: int) -> None:
        """Raises `InvalidMultipart`, as all methods do."""
        self._parts = _Parts(files)
        try:
            self._parser = MultipartParser(boundary, self._parts.callbacks(), max_size=max_size)
        except FormParserError as exc:
            raise _unparsable(exc) from exc

    def write(self, piece: bytes) -> None:
        """Parse the next piece of the body."""
        try:
            self._parser.write(piece)
        except FormParserError as exc:
            raise _unparsable(exc) from exc

    def finish(self) -> None:
        """The body is complete."""
        if not self._parts.ended:
            raise InvalidMultipart("the multipart body ends before its closing boundary")


class _Parts:
    """What the parser finds.

    It does not know the parser: a circle of the two would keep the files until a garbage collection.
    """

    def __init__(self, files: Files) -> None:
        self.ended = False
        self._files = files
        self._name = bytearray()
        self._value = bytearray()
        self._disposition = b""

    def callbacks(self) -> MultipartCallbacks:
        """What the parser is to call."""
        return {
            "on_part_begin": self._begin,
            "on_header_field": self._header_field,
            "on_header_value": self._header_value,
            "on_header_end": self._header_end,
            "on_headers_finished": self._headers_finished,
            "on_part_data": self._part_data,
            "on_end": self._end,
        }

    def _begin(self) -> None:
        self._disposition = b""

    def _header_field(self, data: bytes, start: int, end: int) -> None:
        self._name += data[start:end]

    def _header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _header_end(self) -> None:
        if bytes(self._name).lower() == b"content-disposition":
            self._disposition = bytes(self._value)
        self._name.clear()
        self._value.clear()

    def _headers_finished(self) -> None:
        _, parameters = parse_options_header(self._disposition)
        if b"filename" not in parameters:
            name = parameters.get(b"name", b"").decode(errors="replace")[:40]
            raise InvalidMultipart(f"field {name!r} is not a file; options belong in the query")
        self._files.begin(parameters[b"filename"].decode(errors="replace") or None)

    def _part_data(self, data: bytes, start: int, end: int) -> None:
        self._files.add(memoryview(data)[start:end])

    def _end(self) -> None:
        self.ended = True


def _unparsable(exc: FormParserError) -> InvalidMultipart:
    return InvalidMultipart(f"the multipart body does not parse: {exc}")
