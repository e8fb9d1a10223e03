"""The upload of ``POST /convert``: a raw body, or multipart/form-data with exactly one file.

Either way its bytes go straight into one buffer.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING
from urllib.parse import quote

from fastapi import Request
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from shared.problems import EmptyBody, InvalidMultipart
from shared.service import body
from shared.service.buffers import Buffers

if TYPE_CHECKING:
    from python_multipart.multipart import MultipartCallbacks

_MAX_HEADER_BYTES = 16 << 10


@dataclass(frozen=True, slots=True)
class Upload:
    """An image file as received."""

    data: memoryview
    filename: str | None


async def receive(request: Request, limit: int, buffers: Buffers) -> Upload:
    """The one image of the request.

    Raises `EmptyBody`, `InvalidMultipart`, `UploadTooLarge` or `UnsupportedEncoding`.
    """
    kind, parameters = parse_options_header(request.headers.get("content-type", ""))
    if kind != b"multipart/form-data":
        return Upload(await body.receive(request, limit, buffers), None)
    body.announced_size(request, limit + _MAX_HEADER_BYTES)
    form = _OneFile(limit)
    boundary = parameters.get(b"boundary", b"")
    if not boundary:
        raise InvalidMultipart("the Content-Type names no boundary")
    try:
        parser = MultipartParser(boundary, form.callbacks(), max_size=limit + _MAX_HEADER_BYTES)
        async for piece in request.stream():
            parser.write(piece)
        parser.finalize()
    except FormParserError as exc:
        raise InvalidMultipart(f"the multipart body does not parse: {exc}") from exc
    return form.upload()


class _OneFile:
    """Callbacks of the multipart parser that take one file and refuse everything else."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._data = bytearray()
        self._name = bytearray()
        self._value = bytearray()
        self._disposition = b""
        self._filename: str | None = None
        self._files = 0
        self._ended = False

    def callbacks(self) -> MultipartCallbacks:
        """For `MultipartParser`."""
        return {
            "on_part_begin": self._begin,
            "on_header_field": self._header_field,
            "on_header_value": self._header_value,
            "on_header_end": self._header_end,
            "on_headers_finished": self._headers_finished,
            "on_part_data": self._part_data,
            "on_end": self._end,
        }

    def upload(self) -> Upload:
        """The file, once the parser is through."""
        if not self._ended:
            raise InvalidMultipart("the multipart body ends before its closing boundary")
        if not self._files:
            raise InvalidMultipart("the multipart body has no file")
        if not self._data:
            raise EmptyBody("the file in the multipart body is empty")
        return Upload(memoryview(self._data), self._filename)

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
        self._files += 1
        if self._files > 1:
            raise InvalidMultipart("more than one file; send several to /batch")
        self._filename = parameters[b"filename"].decode(errors="replace") or None

    def _part_data(self, data: bytes, start: int, end: int) -> None:
        self._data += memoryview(data)[start:end]
        if len(self._data) > self._limit:
            raise body.too_large(len(self._data), self._limit)

    def _end(self) -> None:
        self._ended = True


def disposition(filename: str | None, extension: str) -> str | None:
    """Content-Disposition for the grey version of a named upload (RFC 6266), or None without a name."""
    if filename is None:
        return None
    stem = PurePosixPath(filename.replace("\\", "/")).stem[:100] or "image"
    name = f"{stem}-grey.{extension}"
    plain = "".join(c if c.isascii() and c.isprintable() and c not in '"\\' else "_" for c in name)
    extended = "" if plain == name else f"; filename*=UTF-8''{quote(name, safe='')}"
    return f'inline; filename="{plain}"{extended}'
