"""Receiving a request body into one buffer of its announced size."""

from __future__ import annotations

from fastapi import Request

from shared.problems import EmptyBody, UnsupportedEncoding, UploadTooLarge
from shared.service.buffers import Buffers


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
    body: bytearray | memoryview = bytearray() if size is None else buffers.take(size)
    filled = 0
    async for piece in request.stream():
        if isinstance(body, bytearray):
            body += piece
        else:
            body[filled : filled + len(piece)] = piece
        filled += len(piece)
        if filled > limit:
            raise too_large(filled, limit)
    if not filled:
        raise EmptyBody("the body is empty; send the image with --data-binary @photo.jpg")
    return memoryview(body)


async def client_gone(request: Request) -> None:
    """Return once the client has closed its connection; to be awaited after the body was read."""
    while (await request.receive())["type"] != "http.disconnect":
        pass
