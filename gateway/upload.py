"""The upload of ``POST /convert``: a raw body, or multipart/form-data with exactly one file.

Either way its bytes go straight into one buffer, or one spool file.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from math import ceil
from typing import TypeVar
from urllib.parse import quote

from fastapi import Request

from gateway import multipart
from gateway.admission import Lease
from gateway.names import grey_name
from gateway.settings import GatewaySettings
from shared.problems import EmptyBody, InvalidMultipart, SlowUpload
from shared.service import body
from shared.service.buffers import Buffers
from shared.service.spool import Growing

_T = TypeVar("_T")
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
        await in_time(receiving, intake, settings)
        return receiving.result()
    finally:
        receiving.cancel()


async def in_time(receiving: asyncio.Future[_T], meter: body.Meter, settings: GatewaySettings) -> None:
    """Wait for the end of an upload that keeps up a kibibyte a second; else `SlowUpload`."""
    window = settings.slow_upload_seconds
    before, left = 0, settings.max_upload_seconds
    while not (await asyncio.wait([receiving], timeout=min(window, left)))[0]:
        left -= window
        if left <= 0:
            raise SlowUpload.over(
                "the time of the upload in seconds",
                limit=int(settings.max_upload_seconds),
                actual=ceil(settings.max_upload_seconds),
                setting="GRISAILLE_MAX_UPLOAD_SECONDS",
            )
        came, least = meter.received - before, int(_LEAST_BYTES_A_SECOND * window)
        if came < least:
            setting = "GRISAILLE_SLOW_UPLOAD_SECONDS"
            raise SlowUpload(
                f"{came} bytes came in {window:g} s, the least is {least} (setting {setting})",
                limit=least,
                actual=came,
                setting=setting,
            )
        before = meter.received


async def _receive(request: Request, limit: int, buffers: Buffers, meter: body.Meter) -> Upload:
    boundary = multipart.boundary(request.headers.get("content-type", ""))
    if boundary is None:
        return Upload(await body.receive(request, limit, buffers, meter), None)
    announced = body.announced_size(request, limit + _MAX_HEADER_BYTES)
    await meter.expect(announced or 0)
    file = _OneFile(limit, Growing(buffers.spool))
    form = multipart.Form(boundary, file, limit + _MAX_HEADER_BYTES)
    received = 0
    async for piece in request.stream():
        received += len(piece)
        await meter.expect(received)
        form.write(piece)
        await file.data.settle()
        meter.grown(received)
    form.finish()
    return await file.upload()


class _OneFile(multipart.Files):
    """Takes one file and refuses a second."""

    def __init__(self, limit: int, data: Growing) -> None:
        self._limit = limit
        self.data = data
        self._begun = False
        self._filename: str | None = None

    async def upload(self) -> Upload:
        """The file, once the form is complete."""
        if not self._begun:
            raise InvalidMultipart("the multipart body has no file")
        if not len(self.data):
            raise EmptyBody("the file in the multipart body is empty")
        return Upload(await self.data.complete(), self._filename)

    def begin(self, filename: str | None) -> None:
        """The file begins."""
        if self._begun:
            raise InvalidMultipart("more than one file; send several to /batch")
        self._begun, self._filename = True, filename

    def add(self, piece: memoryview) -> None:
        """Its next bytes."""
        self.data.add(piece)
        if len(self.data) > self._limit:
            raise body.too_large(len(self.data), self._limit)


def disposition(filename: str | None, extension: str) -> str | None:
    """Content-Disposition for the grey version of a named upload (RFC 6266), or None without a name."""
    if filename is None:
        return None
    name = grey_name(filename, extension)
    plain = "".join(c if c.isascii() and c.isprintable() and c not in '"\\' else "_" for c in name)
    extended = "" if plain == name else f"; filename*=UTF-8''{quote(name, safe='')}"
    return f'inline; filename="{plain}"{extended}'
