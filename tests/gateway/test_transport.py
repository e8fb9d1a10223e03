"""Connections to workers, against real servers on loopback: bodies exact, failures told apart, reuse."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Self

import httpx
import pytest

from gateway.fanout.transport import NEW_CONNECTION, SENT_AT, WireTransport
from gateway.fanout.wire import Connection
from shared.service.spool import Spool

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
pytestmark = pytest.mark.anyio
OK = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n"


@pytest.fixture(params=[False, True], ids=["asyncio", "uvloop"])
def anyio_backend(request: pytest.FixtureRequest) -> tuple[str, dict[str, bool]]:
    """Both event loops; the services run on uvloop."""
    return "asyncio", {"use_uvloop": request.param}


class Buffers(httpx.AsyncByteStream):
    """A request body of several buffers."""

    def __init__(self, *pieces: bytes | memoryview) -> None:
        self._pieces = pieces

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for piece in self._pieces:
            yield piece  # type: ignore[misc]  # the transport takes any buffer


class Server:
    """A server that does what a test says, and counts its connections."""

    def __init__(self, handler: Handler) -> None:
        self._handler = handler
        self.connections = 0
        self.received: list[bytes] = []
        self.ended = asyncio.Event()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._handle, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}/convert?a=1"
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()

    async def _handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            await self._handler(reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()
            self.ended.set()

    async def request(self, reader: asyncio.StreamReader) -> None:
        """Read one request."""
        head = await reader.readuntil(b"\r\n\r\n")
        length = next(
            (int(x.split(b":")[1]) for x in head.split(b"\r\n") if x.lower().startswith(b"content-length")), 0
        )
        self.received.append(head + await reader.readexactly(length))


async def post(transport: WireTransport, url: str, *pieces: bytes | memoryview) -> bytes:
    """The body of the answer."""
    answer = await sent(transport, url, *pieces)
    try:
        return b"".join([bytes(piece) async for piece in answer.aiter_raw()])
    finally:
        await answer.aclose()


async def sent(
    transport: WireTransport, url: str, *pieces: bytes | memoryview, **extensions: bool
) -> httpx.Response:
    headers = {"Content-Length": str(sum(map(len, pieces)))}
    request = httpx.Request("POST", url, headers=headers, stream=Buffers(*pieces), extensions=extensions)
    return await transport.handle_async_request(request)


def serving(*answers: Sequence[bytes]) -> Server:
    """A server that answers the requests of a connection in turn, each in pieces, then closes."""

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for answer in answers:
            await server.request(reader)
            for piece in answer:
                writer.write(piece)
                await writer.drain()

    server = Server(handler)
    return server


async def test_a_body_arrives_as_it_was_sent_and_so_does_the_answer() -> None:
    body = bytes(range(256)) * 20_000
    async with serving([OK % len(body), body]) as server:
        transport = WireTransport(1.0, 15.0, Spool())
        assert await post(transport, server.url, body[:1000], memoryview(body)[1000:]) == body
        assert server.received[0].startswith(b"POST /convert?a=1 HTTP/1.1\r\n")
        assert b"\r\nHost: 127.0.0.1:" in server.received[0]
        assert server.received[0].endswith(b"\r\n\r\n" + body)
        await transport.aclose()


async def test_an_answer_may_come_byte_by_byte() -> None:
    whole = OK % 5 + b"hello"
    async with serving([whole[i : i + 1] for i in range(len(whole))]) as server:
        assert await post(WireTransport(1.0, 15.0, Spool()), server.url, b"x") == b"hello"


async def test_an_empty_answer_is_an_answer() -> None:
    async with serving([OK % 0]) as server:
        assert await post(WireTransport(1.0, 15.0, Spool()), server.url, b"x") == b""


async def test_a_connection_is_used_again_and_two_requests_at_a_time_have_two() -> None:
    async with serving(*[[OK % 2 + b"ok"]] * 4) as server:
        transport = WireTransport(1.0, 15.0, Spool())
        for _ in range(3):
            assert await post(transport, server.url, b"x") == b"ok"
        assert server.connections == 1
        answers = await asyncio.gather(*(post(transport, server.url, b"x") for _ in range(2)))
        assert answers == [b"ok", b"ok"]
        assert server.connections == 2
        await transport.aclose()


async def test_a_request_that_asks_for_a_new_connection_gets_one() -> None:
    async with serving(*[[OK % 2 + b"ok"]] * 2) as server:
        transport = WireTransport(1.0, 15.0, Spool())
        await post(transport, server.url, b"x")
        answer = await sent(transport, server.url, b"x", **{NEW_CONNECTION: True})
        assert server.connections == 2
        await answer.aclose()
        await transport.aclose()


@pytest.mark.parametrize("header", [b"Connection: close\r\n", b""])
async def test_a_connection_that_the_worker_ends_is_not_used_again(header: bytes) -> None:
    answer = b"HTTP/1.1 200 OK\r\n" + header + b"Content-Length: 2\r\n\r\nok"
    async with serving([answer]) as server:
        transport = WireTransport(1.0, 15.0, Spool())
        assert await post(transport, server.url, b"x") == b"ok"
        await server.ended.wait()
        for _ in range(10):  # the loop hears of it
            await asyncio.sleep(0)
        assert await post(transport, server.url, b"x") == b"ok"
        assert server.connections == 2


async def test_when_the_request_was_with_the_network_is_told() -> None:
    async with serving([OK % 2 + b"ok"]) as server:
        begin = time.monotonic()
        answer = await sent(WireTransport(1.0, 15.0, Spool()), server.url, bytes(1 << 20))
        assert begin <= answer.extensions[SENT_AT] <= time.monotonic()
        await answer.aclose()


async def test_a_refused_connection_is_a_connect_error() -> None:
    async with serving() as server:
        url = server.url
    with pytest.raises(httpx.ConnectError):
        await post(WireTransport(1.0, 15.0, Spool()), url, b"x")


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"HTTP/1.1 200 OK\r\nContent-Le",
        b"HTTP/1.1 200 OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
        b"nonsense\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"y" * 20_000,
        OK % 1 + b"too much",
    ],
    ids=["closed", "cut head", "no length", "chunked", "nonsense", "endless head", "too long"],
)
async def test_without_a_proper_head_it_is_a_protocol_error(answer: bytes) -> None:
    async with serving([answer]) as server:
        with pytest.raises(httpx.RemoteProtocolError):
            await post(WireTransport(1.0, 15.0, Spool()), server.url, b"x")


async def test_a_cut_answer_is_a_read_error() -> None:
    async with serving([OK % 100, b"only this"]) as server:
        with pytest.raises(httpx.ReadError, match="9 of 100"):
            await post(WireTransport(1.0, 15.0, Spool()), server.url, b"x")


async def test_an_early_refusal_is_heard_and_its_connection_not_used_again() -> None:
    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        if done.is_set():
            return
        writer.write(b"HTTP/1.1 503 Busy\r\nContent-Length: 4\r\n\r\nbusy")
        await writer.drain()
        await done.wait()

    done = asyncio.Event()
    async with Server(refuse) as server:
        transport = WireTransport(1.0, 15.0, Spool())
        answer = await sent(transport, server.url, bytes(64 << 20))
        assert answer.status_code == 503
        assert [bytes(piece) async for piece in answer.aiter_raw()] == [b"busy"]
        await answer.aclose()
        again = asyncio.create_task(post(transport, server.url, b"x"))
        done.set()
        with pytest.raises(httpx.RemoteProtocolError):
            await again
        assert server.connections == 2


async def test_a_cancelled_request_closes_its_connection() -> None:
    closed = asyncio.Event()

    async def listen(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        await server.request(reader)
        heard.set()
        await reader.read()
        closed.set()

    heard = asyncio.Event()
    server = Server(listen)
    async with server:
        task = asyncio.create_task(post(WireTransport(1.0, 15.0, Spool()), server.url, b"x"))
        await heard.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        async with asyncio.timeout(5):
            await closed.wait()


async def test_a_request_cancelled_at_the_moment_its_answer_begins_closes_its_connection_too(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    closed = asyncio.Event()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await server.request(reader)
        writer.write(OK % 2 + b"ok")
        await reader.read()
        closed.set()

    wake = Connection._wake  # noqa: SLF001 - the moment is only there

    def wake_and_cancel(connection: Connection) -> None:
        wake(connection)
        task.cancel()

    server = Server(answer)
    async with server:
        monkeypatch.setattr(Connection, "_wake", wake_and_cancel)
        task = asyncio.create_task(post(WireTransport(1.0, 15.0, Spool()), server.url, b"x"))
        with pytest.raises(asyncio.CancelledError):
            await task
        async with asyncio.timeout(5):
            await closed.wait()
