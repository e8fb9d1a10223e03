"""A connection up to the body of each request: heads come in time, are small and are HTTP, or it ends.

uvicorn waits for ever for a head that has begun, keeps all of it however long it gets, takes trailers for
headers, and loses the body of a request that offers another protocol, as Java's client and ``curl --http2``
do.
"""

from __future__ import annotations

import asyncio
import logging

import httptools
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, RequestResponseCycle

from shared.problems import InvalidRequest
from shared.service.logs import event
from shared.service.protocol import Connection, new_parser
from shared.service.responses import problem_response

_LOG = logging.getLogger("grisaille.service")
MOST_HEAD_BYTES = 64 << 10
"""Of a request's head, or of its trailers: eight times what proxies let through."""


class GuardedConnection(Connection):
    """One connection of a client; from its begin, and from the end of each answer, a head has its time."""

    _unread = 0
    """Bytes of a head, or of trailers, that is not complete."""
    _has_head = False
    """Whether a body comes in."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # uvicorn's
        """The first request has as long as any later one."""
        super().connection_made(transport)
        self.timeout_keep_alive_task = self.loop.call_later(
            self.timeout_keep_alive, self.timeout_keep_alive_handler
        )

    def data_received(self, data: bytes) -> None:
        """Parse it; what is no complete head gives a client no more time."""
        self._unread += len(data)
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade as offer:
            self._decline(data[offer.args[0] :])
        except httptools.HttpParserError:
            self._refuse("the request is not HTTP/1.1 (RFC 9112)")
        else:
            if self._unread > MOST_HEAD_BYTES:
                self._refuse(f"the request's head has more than {MOST_HEAD_BYTES} bytes")

    def _decline(self, rest: bytes) -> None:
        """Read a request as if it offered no other protocol (RFC 9110 section 7.8)."""
        method, version = self.parser.get_method(), self.parser.get_http_version().encode()
        lines = [b"%s %s HTTP/%s" % (method, self.url, version)]
        lines += [b"%s: %s" % header for header in self.headers if header[0] != b"upgrade"]
        self.parser = new_parser(self)
        self.data_received(b"\r\n".join([*lines, b"", rest]))

    def _refuse(self, why: str) -> None:
        """End the connection, with a problem unless an answer is awaited or under way."""
        event(_LOG, logging.INFO, "no-request", detail=why)
        cycle: RequestResponseCycle | None = self.cycle
        if cycle is None or cycle.response_complete or (cycle.more_body and not cycle.response_started):
            answer = problem_response(InvalidRequest(why))
            headers = [*self.server_state.default_headers, *answer.raw_headers, (b"connection", b"close")]
            lines = [b"%s: %s\r\n" % header for header in headers]
            self.transport.write(b"".join([STATUS_LINE[400], *lines, b"\r\n", answer.body]))
        self.transport.close()

    def on_message_begin(self) -> None:
        """A head begins."""
        self._has_head = False
        super().on_message_begin()

    def on_header(self, name: bytes, value: bytes) -> None:
        """Keep a header; trailers, which nobody asked for, are dropped (RFC 9110 section 6.5.1)."""
        if not self._has_head:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """A request begins, unless it is to be read once more."""
        self._has_head, self._unread = True, 0
        if not self._offers():
            self._unset_keepalive_if_required()
            super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Some of a body came."""
        self._unread = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        """A request is there, unless it is to be read once more."""
        self._unread = 0
        if not self._offers():
            super().on_message_complete()

    def _offers(self) -> bool:
        """Whether the request offers another protocol: then the parser stops behind its head."""
        return bool(self.parser.should_upgrade()) and self.parser.get_method() != b"CONNECT"
