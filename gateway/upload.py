"""The upload of ``POST /convert``: a raw body, or multipart/form-data with exactly one file.

Either way its bytes go straight into one buffer, or one spool file.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING
from urllib.parse import quote

from fastapi import Request
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from gateway.admission import Lease
from gateway.settings import GatewaySettings
from shared.problems import EmptyBody, InvalidMultipart, SlowUpload
from shared.service import body
from shared.service.buffers import Buffers
from shared.service.spool import Growing

if TYPE_CHECKING:
    from python_multipart.multipart import MultipartCallbacks

_MAX_HEADER_BYTES = 16 << 10
_LEAST_BYTES_A_SECOND = 1024


@dataclass(frozen=True, slots=True)
class Upload:
    """An image file as received."""

    data: memoryview
    filename: str | None


class _Intake(body.Meter):
    """Holds room for what comes in, and as much again for what will be made of it."""

    def __init__(self, lease: Lease) -> None:
        self._lease = lease

    async def expect(self, size: int) -> None:
        await self._lease.grow(size, size)


async def receive(request: Request, settings: GatewaySettings, buffers: Buffers, lease: Lease) -> Upload:
    """The one image of the request; `lease` then covers it.

    Raises `EmptyBody`, `InvalidMultipart`, `Overloaded`, `SlowUpload`, `UploadTooLarge` or
    `UnsupportedEncoding`.
    """
    intake = _Intake(lease)
    receiving = asyncio.ensure_future(_receive(request, settings.max_upload_bytes, buffers, intake))
    try:
        await _in_time(receiving, intake, settings)
        return receiving.result()
    finally:
        receiving.cancel()


async def _in_time(receiving: asyncio.Future[Upload], meter: body.Meter, settings: GatewaySettings) -> None:
    """Wait for the end of an upload that keeps up a kibibyte a second; else `SlowUpload`."""
    window = settings.slow_upload_seconds
    before, left = 0, settings.max_upload_seconds
    while not (await asyncio.wait([receiving], timeout=min(window, left)))[0]:
        left -= window
        if left <= 0:
            raise SlowUpload.over(
                "the time of the upload in seconds",
                limit=int(settings.max_upload_seconds),
                actual=int(settings.max_upload_seconds - left),
                setting="GRISAILLE_MAX_UPLOAD_SECONDS",
            )
        if meter.received - before < _LEAST_BYTES_A_SECOND * window:
            raise SlowUpload(
                f"{meter.received - before} bytes came in {window:g} s, "
                f"fewer than {_LEAST_BYTES_A_SECOND} a second (setting GRISAILLE_SLOW_UPLOAD_SECONDS)"
            )
        before = meter.received


async def _receive(request: Request, limit: int, buffers: Buffers, meter: body.Meter) -> Upload:
    kind, parameters = parse_options_header(request.headers.get("content-type", ""))
    if kind != b"multipart/form-data":
        return Upload(await body.receive(request, limit, buffers, meter), None)
    announced = body.announced_size(request, limit + _MAX_HEADER_BYTES)
    await meter.expect(announced or 0)
    form = _OneFile(limit, Growing(buffers.spool))
    boundary = parameters.get(b"boundary", b"")
    if not boundary:
        raise InvalidMultipart("the Content-Type names no boundary")
    received = 0
    try:
        parser = MultipartParser(boundary, form.callbacks(), max_size=limit + _MAX_HEADER_BYTES)
        async for piece in request.stream():
            received += len(piece)
            await meter.expect(received)
            parser.write(piece)
            await form.data.settle()
            meter.grown(received)
        parser.finalize()
    except FormParserError as exc:
        raise InvalidMultipart(f"the multipart body does not parse: {exc}") from exc
    return await form.upload()


class _OneFile:
    """Callbacks of the multipart parser that take one file and refuse everything else."""

    def __init__(self, limit: int, data: Growing) -> None:
        self._limit = limit
        self.data = data
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

    async def upload(self) -> Upload:
        """The file, once the parser is through."""
        if not self._ended:
            raise InvalidMultipart("the multipart body ends before its closing boundary")
        if not self._files:
            raise InvalidMultipart("the multipart body has no file")
        if not len(self.data):
            raise EmptyBody("the file in the multipart body is empty")
        return Upload(await self.data.complete(), self._filename)

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
        self.data.add(memoryview(data)[start:end])
        if len(self.data) > self._limit:
            raise body.too_large(len(self.data), self._limit)

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
