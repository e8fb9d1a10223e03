"""What a connection does with heads: late, endless, of another protocol, or none at all; and with its end."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable

import httpx
import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from uvicorn.server import ServerState

from shared.service import body
from shared.service.buffers import Buffers
from shared.service.guard import MOST_HEAD_BYTES, GuardedConnection
from shared.service.settings import ServiceSettings
from shared.service.spool import Spool

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]
GET = b"GET /refused HTTP/1.1\r\nHost: x\r\n\r\n"
POST = b"POST /echo HTTP/1.1\r\nHost: x\r\n"
IMAGE = bytes(range(256)) * 500
LENGTH = b"Content-Length: %d\r\n" % len(IMAGE)
CHUNKED = b"Transfer-Encoding: chunked\r\n"
_PATIENCE_SECONDS = 10


async def _echo(request: Request) -> Response:
    """The body, and what the application saw of one header."""
    data = await body.receive(request, 1 << 20, Buffers(Spool()), body.Meter())
    return Response(bytes(data), headers={"X-Seen": request.headers.get("accept", "none")})


async def _refused(_: Request) -> Response:
    """An answer that waits for no body."""
    return PlainTextResponse("no")


async def _large(_: Request) -> Response:
    """More than the kernel holds of it while nobody takes it."""
    return Response(bytes(64 << 20))


@contextlib.asynccontextmanager
async def _connected(keep_alive_seconds: int = 60) -> AsyncIterator[Streams]:
    app = Starlette(
        routes=[
            Route("/echo", _echo, methods=["POST"]),
            Route("/refused", _refused, methods=["GET", "POST"]),
            Route("/large", _large),
        ]
    )
    config = uvicorn.Config(app, lifespan="off", log_config=None, timeout_keep_alive=keep_alive_seconds)
    config.load()

    def protocol() -> GuardedConnection:
        settings, state = ServiceSettings(max_download_seconds=1), ServerState()
        return GuardedConnection(settings=settings, config=config, server_state=state, app_state={})

    server = await asyncio.get_running_loop().create_server(protocol, "127.0.0.1", 0)
    reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
    try:
        yield reader, writer
    finally:
        writer.close()
        server.close()


def talk(told: Callable[[Streams], Awaitable[bytes]], keep_alive_seconds: int = 60) -> bytes:
    """What `told` returns of a conversation on a new connection."""

    async def run() -> bytes:
        async with asyncio.timeout(_PATIENCE_SECONDS), _connected(keep_alive_seconds) as streams:
            return await told(streams)

    return asyncio.run(run())


def answers(sent: bytes, number: int = 1) -> list[httpx.Response]:
    """So many answers to what is sent on one connection."""

    async def told(streams: Streams) -> bytes:
        reader, writer = streams
        writer.write(sent)
        read = b""
        while len(_split(read)) < number:
            piece = await reader.read(1 << 16)
            assert piece, read
            read += piece
        return read

    return _split(talk(told))


def _split(read: bytes) -> list[httpx.Response]:
    found = []
    while b"\r\n\r\n" in read:
        head, _, read = read.partition(b"\r\n\r\n")
        status, *lines = head.split(b"\r\n")
        headers = httpx.Headers([(name, value) for name, _, value in (li.partition(b": ") for li in lines)])
        length = int(headers.get("content-length", 0))
        if len(read) < length:
            break
        found.append(httpx.Response(int(status.split()[1]), headers=headers, content=read[:length]))
        read = read[length:]
    return found


def is_malformed(answer: httpx.Response) -> bool:
    """Whether it is the problem for what is no request."""
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["connection"] == "close"
    kind = json.loads(answer.content)["type"]
    return (answer.status_code, kind) == (400, "urn:grisaille:problem:invalid-request")


@pytest.mark.parametrize(
    ("sent", "then"),
    [
        (b"", b""),
        (POST, b""),
        (GET, b""),
        (GET, b"G"),
        (POST.replace(b"echo", b"refused") + LENGTH + b"\r\n", IMAGE[:1000]),
    ],
    ids=["nothing", "half a head", "no second head", "half a second head", "a body that was refused"],
)
def test_who_sends_no_request_loses_the_connection(sent: bytes, then: bytes) -> None:
    async def told(streams: Streams) -> bytes:
        reader, writer = streams
        writer.write(sent)
        if then:
            await reader.readuntil(b"\r\n\r\nno")
            writer.write(then)
        return await reader.read()  # to its end

    talk(told, keep_alive_seconds=1)


def test_a_body_has_more_time_than_a_head() -> None:
    async def told(streams: Streams) -> bytes:
        reader, writer = streams
        writer.write(POST + LENGTH + b"\r\n")
        await asyncio.sleep(1.5)  # longer than the time for a head: that is what is tested
        writer.write(IMAGE)
        return await reader.readuntil(b"\r\n")

    assert b"200 OK" in talk(told, keep_alive_seconds=1)


def test_who_takes_an_answer_bit_by_bit_has_not_for_ever() -> None:
    async def told(streams: Streams) -> bytes:
        reader, writer = streams
        writer.write(GET.replace(b"refused", b"large"))
        taken = b""
        for _ in range(100):
            taken += await reader.read(1 << 14)
            await asyncio.sleep(0.02)  # at this pace it would be a minute
        with contextlib.suppress(ConnectionError):
            taken += await reader.read()  # what the kernel had
        return taken

    assert len(talk(told)) < 32 << 20


@pytest.mark.parametrize(
    "head",
    [POST + b"X: ", POST + b"X: a\r\n" * (MOST_HEAD_BYTES // 6), POST + CHUNKED + b"\r\n0\r\nX: "],
    ids=["one header", "many headers", "a trailer"],
)
def test_a_head_without_end_is_refused_long_before_it_fills_the_memory(head: bytes) -> None:
    (answer,) = answers(head + b"a" * 10 * MOST_HEAD_BYTES)
    assert is_malformed(answer)
    assert str(MOST_HEAD_BYTES) in json.loads(answer.content)["detail"]


def test_bodies_of_many_chunks_and_many_requests_are_no_long_heads() -> None:
    chunk = b"1\r\na\r\n"
    chunked = POST + CHUNKED + b"\r\n" + chunk * MOST_HEAD_BYTES + b"0\r\n\r\n"
    plain = POST + LENGTH + b"\r\n" + IMAGE
    first, *others = answers(chunked + plain * 3, 4)
    assert first.content == b"a" * MOST_HEAD_BYTES
    assert all(other.content == IMAGE for other in others)


@pytest.mark.parametrize(
    "sent",
    [
        b"hello\r\n\r\n",
        b"GET /\xff HTTP/1.1\r\nHost: x\r\n\r\n",
        b"CONNECT other:443 HTTP/1.1\r\nHost: x\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        POST + LENGTH + CHUNKED + b"\r\n",
        POST + b"Content-Length: -1\r\n\r\n",
        POST + CHUNKED + b"\r\n1\r\nabc",
    ],
)
def test_what_is_no_http_gets_a_problem_like_any_other_error(sent: bytes) -> None:
    (answer,) = answers(sent)
    assert is_malformed(answer)


def test_nonsense_behind_a_request_is_not_taken_for_its_answer() -> None:
    async def told(streams: Streams) -> bytes:
        reader, writer = streams
        writer.write(POST + b"Content-Length: 1\r\n\r\nanonsense\r\n\r\n")
        return await reader.read()

    assert not talk(told).startswith(b"HTTP/1.1 400")


@pytest.mark.parametrize("framing", ["length", "chunks"])
@pytest.mark.parametrize("offer", [b"h2c", b"websocket", b"TLS/1.0"])
def test_who_offers_another_protocol_is_answered_in_this_one(offer: bytes, framing: str) -> None:
    offering = b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: %s\r\nHTTP2-Settings: AAMAAP__\r\n" % offer
    sent = {
        "length": LENGTH + b"\r\n" + IMAGE,
        "chunks": CHUNKED + b"\r\n%x\r\n%s\r\n0\r\n\r\n" % (len(IMAGE), IMAGE),
    }[framing]
    first, second = answers((POST + offering + b"Accept: a/b\r\n" + sent) * 2, 2)
    for answer in (first, second):
        assert (answer.status_code, answer.content) == (200, IMAGE)
        assert answer.headers["x-seen"] == "a/b"


def test_trailers_are_no_headers() -> None:
    trailed = POST + CHUNKED + b"\r\n1\r\na\r\n0\r\nAccept: image/jpeg\r\n\r\n"
    (answer,) = answers(trailed)
    assert answer.headers["x-seen"] == "none"
