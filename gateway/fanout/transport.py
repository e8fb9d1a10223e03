"""httpx's transport interface on asyncio's own connections (`wire`): plain HTTP/1.1 to workers.

Four failures stay apart that other clients merge: `httpx.ConnectError` (nothing was sent),
`RemoteProtocolError` (sent, but no status line came back), `ReadError` (the answer was cut), and whatever
timeout the caller sets around all this.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from typing import TypeAlias

import httpx

from gateway.fanout.wire import Connection
from shared.service.spool import Spool

_Origin: TypeAlias = tuple[str, int]
SENT_AT = "sent_at"
"""Extension of an answer: when the request was with the network, monotonic clock; 0 if it never was."""
NEW_CONNECTION = "new_connection"
"""Extension of a request: whether it must not take a connection that others have used."""
SPOOLED = "spooled"
"""Extension of a request: whether its answer goes to a spool file though it is not too large for memory."""


class WireTransport(httpx.AsyncBaseTransport):
    """Keeps idle connections for the next request; to be used inside a running event loop."""

    def __init__(self, connect_seconds: float, idle_seconds: float, spool: Spool) -> None:
        """`spool`: for answers that are too large for memory."""
        self._spool = spool
        self._connect_seconds = connect_seconds
        self._idle_seconds = idle_seconds
        self._idle: dict[_Origin, list[tuple[float, Connection]]] = {}

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send one request, its body as the buffers it consists of; the answer's is one, still to come."""
        assert isinstance(request.stream, httpx.AsyncByteStream)
        pieces = [piece async for piece in request.stream]
        origin = request.url.host, request.url.port or 80
        reused = None if request.extensions.get(NEW_CONNECTION) else self._reused(origin)
        connection = reused or await self._connected(origin, request)
        try:
            above = 0 if request.extensions.get(SPOOLED) else self._spool.above
            head = await connection.ask([_head(request), *pieces], above)
        except BaseException as exc:  # cancellation too, even if the head came at the same moment
            connection.abort()
            if isinstance(exc, ConnectionError):
                raise httpx.RemoteProtocolError(str(exc), request=request) from exc
            raise
        return httpx.Response(
            head.status,
            headers=head.headers,
            stream=_Answer(self, origin, connection, request),
            extensions={SENT_AT: connection.sent_at},
            request=request,
        )

    def _reused(self, origin: _Origin) -> Connection | None:
        """The connection that was used last, if it is still fresh."""
        idle = self._idle.get(origin, [])
        while idle:
            since, connection = idle.pop()
            if connection.is_open and time.monotonic() - since < self._idle_seconds:
                return connection
            connection.abort()
        return None

    async def _connected(self, origin: _Origin, request: httpx.Request) -> Connection:
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(self._connect_seconds):
                _, connection = await loop.create_connection(lambda: Connection(self._spool), *origin)
        except (OSError, TimeoutError) as exc:
            raise httpx.ConnectError(f"no connection: {exc!r}", request=request) from exc
        return connection

    def release(self, origin: _Origin, connection: Connection) -> None:
        """Take back a connection; one that is not fit for another request is closed."""
        if connection.is_reusable:
            self._idle.setdefault(origin, []).append((time.monotonic(), connection))
        else:
            connection.abort()

    def close_stale(self) -> None:
        """Close connections that nobody used for so long that nobody will."""
        now = time.monotonic()
        for origin, idle in list(self._idle.items()):
            fresh = [(since, c) for since, c in idle if c.is_open and now - since < self._idle_seconds]
            for since, connection in idle:
                if (since, connection) not in fresh:
                    connection.abort()
            if fresh:
                self._idle[origin] = fresh
            else:
                del self._idle[origin]

    async def aclose(self) -> None:
        """Close all idle connections."""
        for idle in self._idle.values():
            for _, connection in idle:
                connection.abort()
        self._idle.clear()


def _head(request: httpx.Request) -> bytes:
    """Request line and headers (RFC 9112 sections 3 and 5); httpx names no host where a stream is given."""
    lines = [b"%s %s HTTP/1.1" % (request.method.encode(), request.url.raw_path)]
    if "host" not in request.headers:
        lines.append(b"Host: %s" % request.url.netloc)
    lines += [b"%s: %s" % pair for pair in request.headers.raw]
    return b"\r\n".join([*lines, b"", b""])


class _Answer(httpx.AsyncByteStream):
    """The body of an answer, in one piece."""

    def __init__(
        self, transport: WireTransport, origin: _Origin, connection: Connection, request: httpx.Request
    ) -> None:
        self._transport = transport
        self._origin = origin
        self._connection = connection
        self._request = request

    async def __aiter__(self) -> AsyncIterator[bytes]:
        try:
            yield await self._connection.body()  # type: ignore[misc]  # any buffer serves who reads it
        except ConnectionError as exc:
            raise httpx.ReadError(str(exc), request=self._request) from exc

    async def aclose(self) -> None:
        self._transport.release(self._origin, self._connection)
