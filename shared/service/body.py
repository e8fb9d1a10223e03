"""Receiving a request body into one buffer of its announced size."""

from __future__ import annotations

from fastapi import Request
from starlette.requests import ClientDisconnect

from shared.problems import EmptyBody, UnsupportedEncoding, UploadTooLarge
from shared.service.buffers import Buffers
from shared.service.protocol import RECEIVE_INTO, Grown, ReceiveInto


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


async def receive(request: Request, limit: int, buffers: Buffers) -> memoryview:
    """The whole body; raises as `announced_size`, and `EmptyBody`."""
    size = announced_size(request, limit)
    if size is None:
        return await _receive_unannounced(request, limit)
    data = buffers.take(size)
    await fill(request, data)
    return data


def _unheard(_: int) -> None:
    """For a body that is awaited as a whole."""


async def fill(request: Request, data: memoryview, grown: Grown = _unheard) -> None:
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


async def _receive_unannounced(request: Request, limit: int) -> memoryview:
    data = bytearray()
    async for piece in request.stream():
        data += piece
        if len(data) > limit:
            raise too_large(len(data), limit)
    if not data:
        raise _empty()
    return memoryview(data)


def _empty() -> EmptyBody:
    return EmptyBody("the body is empty; send the image with --data-binary @photo.jpg")


async def client_gone(request: Request) -> None:
    """Return once the client has closed its connection; to be awaited after the body was read."""
    while (await request.receive())["type"] != "http.disconnect":
        pass
