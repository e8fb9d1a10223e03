"""Receiving a request body into one buffer of its announced size."""

from __future__ import annotations

from fastapi import Request
from starlette.requests import ClientDisconnect

from shared.problems import EmptyBody, UnsupportedEncoding, UploadTooLarge
from shared.service.buffers import Buffers
from shared.service.protocol import RECEIVE_INTO, Grown, ReceiveInto


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
    encoding = request.headers.get("content-encoding", "identity").strip().lower()
    if encoding not in {"", "identity"}:
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
        return await _receive_unannounced(request, limit, meter)
    await meter.expect(size)
    data = buffers.take(size)
    await fill(request, data, meter.grown)
    return data


async def fill(request: Request, data: memoryview, grown: Grown) -> None:
    """Receive a body of announced size; `grown` hears after each piece how much is there.

    Raises `EmptyBody` and `ClientDisconnect`.
    """
    if not data:
        raise _empty()
    filled = 0
    receive_into: ReceiveInto | None = request.scope.get("extensions", {}).get(RECEIVE_INTO)
    while filled < len(data):
        if filled and receive_into is not None:
            await receive_into(data, filled, grown)
            return
        message = await request.receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        piece = message.get("body", b"")
        data[filled : filled + len(piece)] = piece
        filled += len(piece)
        grown(filled)


async def _receive_unannounced(request: Request, limit: int, meter: Meter) -> memoryview:
    data = bytearray()
    async for piece in request.stream():
        if len(data) + len(piece) > limit:
            raise too_large(len(data) + len(piece), limit)
        await meter.expect(len(data) + len(piece))
        data += piece
        meter.grown(len(data))
    if not data:
        raise _empty()
    return memoryview(data)


def _empty() -> EmptyBody:
    return EmptyBody("the body is empty; send the image with --data-binary @photo.jpg")


async def client_gone(request: Request) -> None:
    """Return once the client has closed its connection; to be awaited after the body was read."""
    while (await request.receive())["type"] != "http.disconnect":
        pass
