"""Receiving a request body into one buffer of its announced size, or one spool file."""

from __future__ import annotations

import asyncio

from fastapi import Request
from starlette.requests import ClientDisconnect

from shared.problems import EmptyBody, UnsupportedEncoding, UploadTooLarge
from shared.service.buffers import Buffers
from shared.service.protocol import RECEIVE_INTO, Grown, ReceiveInto
from shared.service.spool import SLICE, Growing, SpoolFile, file_of


class Meter:
    """Watches a body come in."""

    received = 0
    """Bytes so far."""

    async def expect(self, size: int) -> None:
        """So many bytes in all are about to be held. May wait or raise where there is no room for them."""

    def grown(self, received: int) -> None:
        """So many bytes are there."""
        self.received = received


def announced_size(request: Request, limit: int) -> int | None:
    """Content-Length, or None; `UploadTooLarge` before a byte is read, `UnsupportedEncoding`."""
    encoding = ",".join(request.headers.getlist("content-encoding"))
    if not {one.strip().lower() for one in encoding.split(",")} <= {"", "identity"}:
        raise UnsupportedEncoding(f"Content-Encoding {encoding[:40]!r}; send the image as it is")
    length = request.headers.get("content-length")
    if length is None:
        return None
    size = int(length)  # the HTTP parser let only digits through
    if size > limit:
        raise too_large(size, limit)
    return size


def too_large(size: int, limit: int) -> UploadTooLarge:
    """The error for an upload over the limit."""
    setting = "GRISAILLE_MAX_UPLOAD_BYTES"
    return UploadTooLarge.over("the upload in bytes", limit=limit, actual=size, setting=setting)


async def receive(request: Request, limit: int, buffers: Buffers, meter: Meter) -> memoryview:
    """The whole body; raises as `announced_size` and `meter.expect`, and `EmptyBody`."""
    size = announced_size(request, limit)
    if size is None:
        return await _receive_unannounced(request, limit, buffers, meter)
    await meter.expect(size)
    data = buffers.take(size)
    await fill(request, data, _unheard, came=meter.grown)
    return data


def _unheard(_: int) -> None:
    """Where nobody looks at a body before all of it is there."""


async def fill(request: Request, data: memoryview, grown: Grown, came: Grown = _unheard) -> None:
    """Receive a body of announced size; `grown` hears how much is there, `came` also what is on its way.

    Raises `EmptyBody`, `ClientDisconnect`, and `Overloaded` where there is no room in the spool.
    """
    if not data:
        raise _empty()
    file = file_of(data)
    if file is not None:
        await _fill_file(request, file, len(data), grown, came)
        return
    filled = 0

    def both(received: int) -> None:
        came(received)
        grown(received)

    receive_into: ReceiveInto | None = request.scope.get("extensions", {}).get(RECEIVE_INTO)
    while filled < len(data):
        if filled and receive_into is not None:
            await receive_into(data, filled, both)
            return
        message = await request.receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        piece = message.get("body", b"")
        data[filled : filled + len(piece)] = piece
        filled += len(piece)
        both(filled)


async def _fill_file(request: Request, file: SpoolFile, size: int, grown: Grown, came: Grown) -> None:
    pending = bytearray()
    while file.size < size:
        message = await request.receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        pending += message.get("body", b"")
        received = file.size + len(pending)
        came(received)
        if len(pending) >= SLICE or received == size:
            await asyncio.to_thread(file.append, pending)
            pending = bytearray()
            grown(received)


async def _receive_unannounced(request: Request, limit: int, buffers: Buffers, meter: Meter) -> memoryview:
    body = Growing(buffers.spool)
    async for piece in request.stream():
        if len(body) + len(piece) > limit:
            raise too_large(len(body) + len(piece), limit)
        await meter.expect(len(body) + len(piece))
        body.add(piece)
        await body.settle()
        meter.grown(len(body))
    if not len(body):
        raise _empty()
    return await body.complete()


def _empty() -> EmptyBody:
    return EmptyBody("the body is empty; send the image with --data-binary @photo.jpg")


async def client_gone(request: Request) -> None:
    """Return once the client has closed its connection; to be awaited after the body was read."""
    while (await request.receive())["type"] != "http.disconnect":
        pass
