"""HTTP/1.1 without encryption, for a fraction of the cycles: a transport for httpx over `http.client`.

Sends and reads large blocks, each copied once. Fails with httpx's own errors, in the cases in which httpx's
own transport does. Requests must carry `Content-Length`. RFC 9112.
"""

from __future__ import annotations

import contextlib
import functools
import http.client
import io
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import httpx

_BLOCK = 1 << 18
_LATIN = "iso-8859-1"
"""Of header bytes in `http.client`; httpx gives and takes them as they are."""


@dataclass(frozen=True, slots=True)
class _Idle:
    """A connection that waits for its next request."""

    connection: http.client.HTTPConnection
    since: float


class PlainTransport(httpx.BaseTransport):
    """Connections that are kept and used again; by many threads at once, each request on its own."""

    def __init__(self, idle_seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        """`idle_seconds`: how long a connection may have waited for its next request."""
        self._idle_seconds = idle_seconds
        self._clock = clock
        self._lock = threading.Lock()
        self._idle: dict[tuple[str, int], list[_Idle]] = {}
        self._closed = False

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """The answer, its body still to be read; raises `httpx.TransportError`."""
        origin = (request.url.host, request.url.port or http.client.HTTP_PORT)
        connection = self._kept(origin) or _connected(origin, _timeout(request, "connect"))
        try:
            sent = _send(connection, request)
            with _reading():
                connection.sock.settimeout(_timeout(request, "read"))
                answer = connection.getresponse()
        except BaseException:
            connection.close()
            raise
        body = _Body(answer, connection, lambda: sent and self._keep(origin, connection))
        headers = [(name.encode(_LATIN), value.encode(_LATIN)) for name, value in answer.headers.items()]
        return httpx.Response(answer.status, headers=headers, stream=body)

    def close(self) -> None:
        """End the connections that wait, and those in use when their request is over."""
        with self._lock:
            self._closed = True
            waiting = [one for kept in self._idle.values() for one in kept]
            self._idle.clear()
        for one in waiting:
            one.connection.close()

    def _kept(self, origin: tuple[str, int]) -> http.client.HTTPConnection | None:
        """The one used last, if its server has not closed it meanwhile."""
        while True:
            with self._lock:
                kept = self._idle.get(origin)
                if not kept:
                    return None
                last = kept.pop()
            is_fresh = self._clock() - last.since < self._idle_seconds
            if is_fresh and not _is_readable(last.connection):
                return last.connection
            last.connection.close()

    def _keep(self, origin: tuple[str, int], connection: http.client.HTTPConnection) -> bool:
        with self._lock:
            if not self._closed:
                self._idle.setdefault(origin, []).append(_Idle(connection, self._clock()))
            return not self._closed


class _Lines(io.BufferedReader):
    """Tells an end in the middle of a head from the empty line behind it, which http.client does not."""

    def readline(self, size: int | None = -1, /) -> bytes:
        line = super().readline(size)
        if not line:
            raise http.client.RemoteDisconnected("the server ended the connection before or in its answer")
        return line


class _Answer(http.client.HTTPResponse):
    """One whose head is complete."""

    def __init__(self, sock: socket.socket, debuglevel: int = 0, method: str | None = None) -> None:
        super().__init__(sock, debuglevel, method)
        self.fp = _Lines(self.fp.detach())


class _Body(httpx.SyncByteStream):
    """The answer's; read to its end, it lets the connection be used again."""

    def __init__(
        self,
        answer: http.client.HTTPResponse,
        connection: http.client.HTTPConnection,
        keep: Callable[[], bool],
    ) -> None:
        """`keep` says whether somebody took the connection."""
        self._answer = answer
        self._connection = connection
        self._keep = keep
        self._is_over = False

    def __iter__(self) -> Iterator[bytes]:
        while block := self._read():
            yield block
        if self._answer.length:  # http.client does not mind
            raise httpx.RemoteProtocolError(f"the answer ended {self._answer.length} bytes early")
        self._is_over = True

    def _read(self) -> bytes:
        with _reading():
            return self._answer.read(_BLOCK)

    def close(self) -> None:
        may_be_kept = self._is_over and not self._answer.will_close
        if not (may_be_kept and self._keep()):
            self._answer.close()
            self._connection.close()


def _connected(origin: tuple[str, int], timeout: float | None) -> http.client.HTTPConnection:
    connection = http.client.HTTPConnection(*origin, timeout=timeout)
    connection.response_class = _Answer
    try:
        connection.connect()
    except TimeoutError as exc:
        raise httpx.ConnectTimeout(str(exc)) from exc
    except OSError as exc:
        raise httpx.ConnectError(str(exc)) from exc
    return connection


def _send(connection: http.client.HTTPConnection, request: httpx.Request) -> bool:
    """Whether all was sent: a server may answer and close before it has everything."""
    connection.sock.settimeout(_timeout(request, "write"))
    target = request.url.raw_path.decode("ascii")
    connection.putrequest(request.method, target, skip_host=True, skip_accept_encoding=True)
    for name, value in request.headers.raw:
        connection.putheader(name, value)
    assert isinstance(request.stream, httpx.SyncByteStream)
    is_sent = _written(connection.endheaders)
    for block in request.stream:  # what the stream raises is its owner's
        is_sent = is_sent and _written(functools.partial(connection.send, block))
        if not is_sent:
            break
    return is_sent


def _written(write: Callable[[], None]) -> bool:
    try:
        write()
    except TimeoutError as exc:
        raise httpx.WriteTimeout(str(exc)) from exc
    except OSError:
        return False
    return True


@contextlib.contextmanager
def _reading() -> Iterator[None]:
    """What goes wrong, in httpx's terms."""
    try:
        yield
    except http.client.HTTPException as exc:  # first: one of them is an OSError too
        raise httpx.RemoteProtocolError(str(exc) or type(exc).__name__) from exc
    except TimeoutError as exc:
        raise httpx.ReadTimeout(str(exc)) from exc
    except OSError as exc:
        raise httpx.ReadError(str(exc)) from exc


def _is_readable(connection: http.client.HTTPConnection) -> bool:
    """What can be read where nothing was asked is the connection's end."""
    connection.sock.settimeout(0)
    try:
        connection.sock.recv(1, socket.MSG_PEEK)
    except BlockingIOError:
        return False
    except OSError:
        return True
    return True


def _timeout(request: httpx.Request, name: str) -> float | None:
    """Seconds, of one of httpx's four kinds."""
    timeouts: dict[str, float | None] = request.extensions.get("timeout", {})
    return timeouts.get(name)
