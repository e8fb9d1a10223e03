"""Uploads as forms and raw bodies, sent through ASGI to what receives them by a client we did not write."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable, AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import httpx
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from gateway import upload as uploads
from gateway.admission import Admission
from gateway.settings import GatewaySettings
from shared.problems import MEDIA_TYPE, Problem
from shared.service.buffers import Buffers
from shared.service.responses import problem_response
from shared.service.spool import Spool

LIMIT = 1 << 16
SETTINGS = GatewaySettings(max_upload_bytes=LIMIT)
BOUNDARY = "b-1"
FORM = f"multipart/form-data; boundary={BOUNDARY}"
IMAGE = b"\x89PNG\r\n\x1a\n and so on"


def _app(settings: GatewaySettings) -> Starlette:
    """Tells what it received."""

    async def echo(request: Request) -> Response:
        lease = Admission.of(settings, lambda: 1, lambda _: None).lease()
        upload = await uploads.receive(request, settings, Buffers(Spool()), lease)
        return JSONResponse({"data": bytes(upload.data).hex(), "filename": upload.filename})

    async def refuse(_: Request, problem: Exception) -> Response:
        assert isinstance(problem, Problem)
        return problem_response(problem)

    return Starlette(routes=[Route("/convert", echo, methods=["POST"])], exception_handlers={Problem: refuse})


@dataclass
class Body:
    """A request body in pieces, and how many of them were asked for."""

    pieces: Sequence[bytes]
    read: int = 0

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for piece in self.pieces:
            self.read += 1
            yield piece


def send(
    headers: Mapping[str, str],
    *pieces: bytes,
    body: AsyncIterable[bytes] | None = None,
    settings: GatewaySettings = SETTINGS,
) -> httpx.Response:
    """What the gateway makes of a body that arrives in these pieces."""
    transport = httpx.ASGITransport(_app(settings))

    async def sent() -> httpx.Response:
        async with httpx.AsyncClient(transport=transport, base_url="http://gateway") as client:
            return await client.post("/convert", content=aiter(body or Body(pieces)), headers=dict(headers))

    return asyncio.run(sent())


def received(answer: httpx.Response) -> tuple[bytes, str | None]:
    assert answer.status_code == 200, answer.text
    document = answer.json()
    return bytes.fromhex(document["data"]), document["filename"]


def refused(answer: httpx.Response, status: int, slug: str) -> str:
    """The detail of the problem that an answer must be."""
    assert answer.headers["content-type"] == MEDIA_TYPE, answer.text
    document = answer.json()
    assert (answer.status_code, document["type"]) == (status, f"urn:grisaille:problem:{slug}")
    detail = document["detail"]
    assert isinstance(detail, str)
    return detail


def part(data: bytes, disposition: str = 'form-data; name="image"; filename="photo.jpg"') -> bytes:
    head = f"--{BOUNDARY}\r\nContent-Disposition: {disposition}\r\nContent-Type: image/jpeg\r\n\r\n"
    return head.encode() + data + b"\r\n"


CLOSING = f"--{BOUNDARY}--\r\n".encode()
FIELD = part(b"80", 'form-data; name="quality"')


def form(data: bytes, filename: str = "photo.jpg", field: str = "image") -> tuple[dict[str, str], bytes]:
    """Headers and body of a form as httpx writes it."""
    request = httpx.Request("POST", "http://gateway", files={field: (filename, data)})
    return {"Content-Type": request.headers["content-type"]}, request.read()


def split(body: bytes, cuts: list[int]) -> list[bytes]:
    bounds = sorted({0, len(body), *(cut % (len(body) + 1) for cut in cuts)})
    return [body[start:end] for start, end in pairwise(bounds)]
