"""Our transport does what httpx's own does, whatever a server does; and when connections are used again."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from collections.abc import Callable, Iterator

import httpx
import pytest
from support.addresses import free_port

from grisaille.plain_http import PlainTransport

IDLE_SECONDS = 15.0
PATIENCE = httpx.Timeout(10, read=0.5, write=0.5)
BODY = bytes(range(256)) * 4096
"""Longer than a block."""
Server = Callable[[socket.socket], None]
"""What it does with a connection, which is then closed."""


class Listening:
    """Accepts one connection after another, and counts."""

    def __init__(self, serve: Server) -> None:
        self._serve = serve
        self._socket = socket.create_server(("127.0.0.1", 0))
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}/convert?format=png"
        self.accepted = 0
        self.left = threading.Event()
        """A connection was closed by us."""

    def stop(self) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)
        self._thread.join(10)
        self._socket.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._socket.accept()
                self.accepted += 1
                with connection, contextlib.suppress(OSError):
                    self._serve(connection)
                self.left.set()


@contextlib.contextmanager
def listening(serve: Server) -> Iterator[Listening]:
    server = Listening(serve)
    try:
        yield server
    finally:
        server.stop()


def request_of(connection: socket.socket) -> bytes:
    """Head and body of the next request; empty at the end."""
    head = b""
    while b"\r\n\r\n" not in head:
        more = connection.recv(65536)
        if not more:
            return b""
        head += more
    head, _, body = head.partition(b"\r\n\r\n")
    size = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0] or 0)
    while len(body) < size:
        more = connection.recv(65536)
        if not more:
            return b""
        body += more
    return head + body


def answering(*pieces: bytes) -> Server:
    """That to every request, until the other side leaves."""

    def serve(connection: socket.socket) -> None:
        while request_of(connection):
            connection.sendall(b"".join(pieces))

    return serve


def once(*pieces: bytes) -> Server:
    def serve(connection: socket.socket) -> None:
        request_of(connection)
        connection.sendall(b"".join(pieces))

    return serve


def resetting(connection: socket.socket) -> None:
    request_of(connection)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def refusing(connection: socket.socket) -> None:
    """Answers and closes before it has all of the request."""
    connection.recv(1000)
    connection.sendall(b"HTTP/1.1 413 Too Large\r\nContent-Length: 3\r\nConnection: close\r\n\r\nbig")
    connection.shutdown(socket.SHUT_WR)
    while connection.recv(1 << 20):
        pass


def until_left(*pieces: bytes) -> Server:
    """That much, and then silence."""

    def serve(connection: socket.socket) -> None:
        request_of(connection)
        connection.sendall(b"".join(pieces))
        connection.recv(1)

    return serve


OK = b"HTTP/1.1 200 OK\r\n"
LENGTH = b"Content-Length: %d\r\n" % len(BODY)
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"
SERVERS: dict[str, Server] = {
    "an answer": answering(OK, LENGTH, b"X-Odd: caf\xc3\xa9\r\nX-Two: 1\r\nX-Two: 2\r\n\r\n", BODY),
    "a chunked answer": answering(CHUNKED, b"5\r\ngreys\r\n%x\r\n%b\r\n0\r\n\r\n" % (len(BODY), BODY)),
    "an answer that ends with its connection": once(OK, b"\r\n", BODY),
    "an old server": once(b"HTTP/1.0 200 OK\r\n\r\n", BODY),
    "an empty answer": answering(OK, b"Content-Length: 0\r\n\r\n"),
    "no content": answering(b"HTTP/1.1 204 No Content\r\n\r\n"),
    "an answer that goes on": answering(b"HTTP/1.1 100 Continue\r\n\r\n", OK, LENGTH, b"\r\n", BODY),
    "the last answer": once(OK, LENGTH, b"Connection: close\r\n\r\n", BODY),
    "an early answer": refusing,
    "nothing": once(),
    "a reset": resetting,
    "another protocol": once(b"220 mail.example ESMTP\r\n\r\n"),
    "a cut head": once(OK),
    "a head cut in a line": once(OK, LENGTH, b"Content-"),
    "a cut trailer": once(CHUNKED, b"4\r\ngrey\r\n0\r\n"),
    "a cut answer": once(OK, LENGTH, b"\r\n", BODY[:-1]),
    "a cut chunk": once(CHUNKED, b"400\r\ngrey"),
    "a chunk of no size": once(CHUNKED, b"grey\r\n"),
    "silence": until_left(),
    "silence in the middle": until_left(OK, LENGTH, b"\r\ngrey"),
}


def outcome(transport: httpx.BaseTransport, url: str, body: bytes) -> tuple[object, ...]:
    """Status, headers and body, or the kind of error, of the second of two requests."""
    with httpx.Client(transport=transport, timeout=PATIENCE) as client:
        try:
            for _ in range(2):
                answer = client.post(url, content=body)
        except httpx.TransportError as error:
            return (type(error),)
        return answer.status_code, answer.headers.raw, answer.content


@pytest.mark.parametrize("serve", SERVERS.values(), ids=SERVERS)
def test_every_server_is_met_as_by_httpx(serve: Server) -> None:
    body = BODY if serve is refusing else b"colour"
    with listening(serve) as server:
        expected = outcome(httpx.HTTPTransport(), server.url, body)
        connections = server.accepted
        assert outcome(PlainTransport(IDLE_SECONDS), server.url, body) == expected
        assert server.accepted == 2 * connections


def test_what_is_sent_is_what_httpx_sends() -> None:
    asked: list[bytes] = []

    def serve(connection: socket.socket) -> None:
        asked.append(request_of(connection))
        connection.sendall(OK + b"Content-Length: 0\r\nConnection: close\r\n\r\n")

    with listening(serve) as server:
        for transport in (httpx.HTTPTransport(), PlainTransport(IDLE_SECONDS)):
            outcome(transport, server.url, BODY)
    assert len(asked) == 4
    assert asked[0].endswith(BODY)
    assert {each.lower() for each in asked} == {asked[0].lower()}


def test_nobody_listening_and_nobody_reading_are_told_as_by_httpx() -> None:
    nowhere = f"http://127.0.0.1:{free_port()}/"
    assert outcome(PlainTransport(IDLE_SECONDS), nowhere, b"") == (httpx.ConnectError,)
    done = threading.Event()

    def sitting(_: socket.socket) -> None:
        done.wait(10)

    with listening(sitting) as server:
        assert outcome(PlainTransport(IDLE_SECONDS), server.url, bytes(64 << 20)) == (httpx.WriteTimeout,)
        done.set()


def test_an_idle_connection_is_used_again_until_it_is_too_old() -> None:
    now = [0.0]
    transport = PlainTransport(IDLE_SECONDS, clock=lambda: now[-1])
    served = answering(OK, b"Content-Length: 4\r\n\r\ngrey")
    with listening(served) as server, httpx.Client(transport=transport) as client:
        for seconds, connections in ((0, 1), (14, 1), (14, 1), (15, 2)):
            now.append(now[-1] + seconds)
            assert client.post(server.url, content=b"colour").content == b"grey"
            assert server.accepted == connections


def test_a_connection_that_its_server_closed_is_not_used_again() -> None:
    served = once(OK, b"Content-Length: 4\r\n\r\ngrey")
    with listening(served) as server, httpx.Client(transport=PlainTransport(IDLE_SECONDS)) as client:
        for connections in (1, 2, 3):
            assert client.post(server.url, content=b"colour").content == b"grey"
            assert server.left.wait(10)
            server.left.clear()
            assert server.accepted == connections


def test_a_connection_is_closed_when_nobody_reads_on_or_the_sender_gives_up() -> None:
    class GaveUpError(Exception):
        pass

    def colour() -> Iterator[bytes]:
        yield b"col"
        raise GaveUpError

    served = answering(OK, LENGTH, b"\r\n", BODY)
    with listening(served) as server, httpx.Client(transport=PlainTransport(IDLE_SECONDS)) as client:
        with client.stream("POST", server.url, content=b"colour") as answer:
            next(answer.iter_raw())
        assert server.left.wait(10)
        server.left.clear()
        with pytest.raises(GaveUpError):
            client.post(server.url, content=colour(), headers={"Content-Length": "6"})
        assert server.left.wait(10)
        assert client.post(server.url, content=b"colour").content == BODY
        assert server.accepted == 3
