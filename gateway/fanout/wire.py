"""One HTTP/1.1 connection to a worker: one request at a time, answers with a Content-Length.

asyncio reads into buffers of this connection (`asyncio.BufferedProtocol`) and writes the ones it is
given, so that no byte of a body is copied in user space. What is in a spool file is sent piece by piece,
and a large answer goes to one, in windows.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import cast

import httptools
import numpy as np

from shared.service.spool import SLICE, Spool, file_of, slices

_HEAD_BYTES = 16 << 10
"""Room for the head of an answer."""
_END_OF_HEAD = b"\r\n\r\n"
_NO_BODY = memoryview(b"")


@dataclass(slots=True)
class Head:
    """Status line and headers of an answer (RFC 9112 section 4), as httptools tells them."""

    status: int = 0
    headers: list[tuple[bytes, bytes]] = field(default_factory=list)
    length: int | None = None
    """Bytes of the body."""
    keeps_alive: bool = False

    def on_header(self, name: bytes, value: bytes) -> None:
        """Called by the parser."""
        self.headers.append((name, value))
        if name.lower() == b"content-length":
            self.length = int(value)


class Connection(asyncio.BufferedProtocol):
    """A connection and what it waits for: a head, the rest of a body, or nothing."""

    def __init__(self, spool: Spool) -> None:
        self._spool = spool
        self._transport: asyncio.Transport | None = None
        self._scratch = bytearray(_HEAD_BYTES)
        self._waiter: asyncio.Future[None] | None = None
        self._is_open = False
        self._begin()

    def _begin(self) -> None:
        self.head: Head | None = None
        """Of the answer to the last request, once it is there."""
        self.sent_at = 0.0
        """When the last request was with the network, on the monotonic clock; 0 before."""
        self._body = _NO_BODY
        self._filled = 0
        self._is_writing = False
        self._is_sent = False
        self._is_through = False
        self._memory = 0
        """Bytes of an answer that are still kept in memory."""
        self._left = 0
        """Bytes of the answer behind those that `_body` has room for."""

    @property
    def is_open(self) -> bool:
        """Whether nobody closed it."""
        return self._is_open

    @property
    def is_reusable(self) -> bool:
        """Whether it may carry another request: the last one is answered, and both sides are through."""
        through = self.head is not None and self.head.keeps_alive and self._is_through
        return self._is_open and through and self._is_sent and not self._is_writing

    async def ask(self, pieces: Sequence[bytes | memoryview], spooled_above: int) -> Head:
        """Send a request and await the head of the answer; `ConnectionError` if there is none.

        An answer of more bytes than `spooled_above`, and than a slice, goes to a spool file.
        """
        self._begin()
        self._memory = spooled_above
        if self._transport is None or not self._is_open:
            raise ConnectionResetError("the connection is closed")
        if any(map(file_of, pieces)):
            await self._send(self._transport, pieces)
        else:
            self._transport.writelines(pieces)
            self._is_sent = True
        if not self._is_writing:
            self.sent_at = time.monotonic()
        await self._until(lambda: self.head is not None)
        if self.head is None:
            raise ConnectionResetError("the connection ended before an answer")
        return self.head

    async def _send(self, transport: asyncio.Transport, pieces: Sequence[bytes | memoryview]) -> None:
        """Send piece by piece, as long as there is no answer."""
        for piece in pieces:
            file = file_of(piece)
            if file is None:
                transport.write(piece)
                continue
            async for part in slices(file, memoryview(piece)):
                if self.head is not None or not self._is_open:
                    return
                transport.write(part)
                await self._until(lambda: not self._is_writing or self.head is not None)
        self._is_sent = True

    async def body(self) -> memoryview:
        """Await the rest of the answer; `ConnectionError` if it is cut, `Overloaded` for a full spool."""
        if self._left:
            body = await self._spooled(len(self._body) + self._left)
        else:
            await self._window()
            body = self._body
        self._is_through, self._body, self._filled = True, _NO_BODY, 0
        return body

    async def _window(self) -> None:
        """Await what `_body` has room for."""
        await self._until(lambda: self._filled == len(self._body))
        if self._filled < len(self._body):
            length = self.head.length if self.head and self.head.length else 0
            there = length - self._left - len(self._body) + self._filled
            raise ConnectionResetError(f"the answer ends after {there} of {length} bytes")

    async def _spooled(self, size: int) -> memoryview:
        assert self._transport is not None  # it has an answer
        file = self._spool.create(size)
        while file.size < size:
            await self._window()
            await asyncio.to_thread(file.append, self._body)
            self._body = self._body[: self._left]
            self._left -= len(self._body)
            self._filled = 0
            self._transport.resume_reading()
        return file.map()

    async def _until(self, holds: Callable[[], bool]) -> None:
        """Wait for something, or for the end of the connection."""
        while self._is_open and not holds():
            self._waiter = asyncio.get_running_loop().create_future()
            try:
                await self._waiter
            finally:
                self._waiter = None

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def abort(self) -> None:
        """Close at once."""
        self._is_open = False
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask to be told when everything is written."""
        self._transport = cast("asyncio.Transport", transport)  # uvloop's do not derive from it
        self._transport.set_write_buffer_limits(high=0)
        self._is_open = True

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - who waits sees what is missing
        """No more bytes will come."""
        self._is_open = False
        self._wake()

    def pause_writing(self) -> None:
        """Something is not yet written."""
        self._is_writing = True

    def resume_writing(self) -> None:
        """Everything is with the network."""
        self._is_writing = False
        self.sent_at = time.monotonic()
        self._wake()

    def get_buffer(self, sizehint: int) -> memoryview:  # noqa: ARG002 - we know what is missing
        """Where the next bytes go."""
        if self.head is None:
            return memoryview(self._scratch)[self._filled :]
        if self._filled < len(self._body):
            return self._body[self._filled :]
        return memoryview(self._scratch)

    def buffer_updated(self, nbytes: int) -> None:
        """So many bytes are there."""
        if self.head is not None and self._filled == len(self._body):
            self.abort()  # bytes that nobody asked for
            return
        self._filled += nbytes
        if self.head is None:
            self._look_for_head()
        elif self._filled == len(self._body):
            self._pause()
            self._wake()

    def _pause(self) -> None:
        """Take no more than there is room for."""
        if self._left and self._transport is not None:
            self._transport.pause_reading()

    def _look_for_head(self) -> None:
        end = self._scratch.find(_END_OF_HEAD, 0, self._filled)
        if end < 0 and self._filled < len(self._scratch):
            return
        rest = memoryview(self._scratch)[end + len(_END_OF_HEAD) : self._filled]
        head = _parsed(bytes(self._scratch[: end + len(_END_OF_HEAD)])) if end >= 0 else None
        if head is None or head.length is None or head.length < len(rest):
            self.abort()
        else:
            self.head, self._filled = head, len(rest)
            room = SLICE if head.length > self._memory else head.length
            self._body = np.empty(min(room, head.length), np.uint8).data
            self._left = head.length - len(self._body)
            self._body[: len(rest)] = rest
            if self._filled == len(self._body):
                self._pause()
        self._wake()


def _parsed(data: bytes) -> Head | None:
    head = Head()
    parser = httptools.HttpResponseParser(head)
    try:
        parser.feed_data(data)
    except httptools.HttpParserError:
        return None
    head.status, head.keeps_alive = parser.get_status_code(), parser.should_keep_alive()
    return head
