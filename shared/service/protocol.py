"""uvicorn's HTTP protocol, with large bodies received straight into a buffer of the application's.

The ASGI way hands each piece of a body to a task, by way of three more copies; for 53 MB that took half of
the time. `RECEIVE_INTO` is an ASGI extension: an application that finds it in the scope may ask for the
rest of a body there, after it received a first piece the ordinary way.

A connection also ends when its client no longer takes an answer, and with the answer after it got old:
then the client connects anew, perhaps to a pod that was not there before.
"""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Awaitable, Callable
from math import inf
from random import uniform
from typing import Any, TypeAlias

import httptools
from starlette.requests import ClientDisconnect
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from shared.service.settings import ServiceSettings

RECEIVE_INTO = "grisaille.receive_into"
_NO_BODY = memoryview(b"")
Grown: TypeAlias = Callable[[int], None]
"""Hears how much of a buffer is filled."""
ReceiveInto: TypeAlias = Callable[[memoryview, int, Grown], Awaitable[None]]
"""Fills a buffer of the announced size from an offset on; `ClientDisconnect` if the rest does not come."""


def _unheard(_: int) -> None:
    """Where no body comes in."""


class _Body(asyncio.BufferedProtocol):
    """A connection while the rest of a body comes in: the kernel copies it to where it belongs.

    What no body consists of is left to the protocol of the connection. `ended` is called with the last byte.
    """

    def __init__(
        self,
        connection: asyncio.Protocol,
        data: memoryview,
        filled: int,
        grown: Grown,
        ended: Callable[[], None],
    ) -> None:
        self._connection = connection
        self._data = data
        self._filled = filled
        self._grown = grown
        self._ended = ended

    def get_buffer(self, sizehint: int) -> memoryview:  # noqa: ARG002 - we know what is missing
        """Room for no more than the body."""
        return self._data[self._filled :]

    def buffer_updated(self, nbytes: int) -> None:
        """So many bytes are there."""
        self._filled += nbytes
        self._grown(self._filled)
        if self._filled == len(self._data):
            self.let_go()
            self._ended()

    def let_go(self) -> None:
        """Free the buffer, and who hears of it: uvloop keeps this object as long as the connection."""
        self._data, self._filled, self._grown = _NO_BODY, 0, _unheard

    def eof_received(self) -> bool | None:
        """The client sends no more."""
        return self._connection.eof_received()

    def connection_lost(self, exc: Exception | None) -> None:
        """Who waits for the body hears it."""
        self._connection.connection_lost(exc)

    def pause_writing(self) -> None:
        """An answer before the end of the body is not taken."""
        self._connection.pause_writing()

    def resume_writing(self) -> None:
        """It is."""
        self._connection.resume_writing()


class Connection(HttpToolsProtocol):
    """One connection of a client."""

    def __init__(self, *, settings: ServiceSettings, **uvicorns: Any) -> None:
        super().__init__(**uvicorns)
        self._settings = settings
        jitter = uniform(0.9, 1.1)  # noqa: S311 - so that not all end together
        self._old_at = self.loop.time() + jitter * settings.max_connection_seconds
        self._stalled: asyncio.TimerHandle | None = None
        self._taken: RequestResponseCycle | None = None
        self._take_until = 0.0

    def pause_writing(self) -> None:
        """The client is behind: see that it goes on taking bytes."""
        super().pause_writing()
        if self._taken is not self.cycle:  # of its answer this is the first time
            self._taken = self.cycle
            self._take_until = self.loop.time() + self._settings.max_download_seconds
        self._watch_unsent()

    def resume_writing(self) -> None:
        """It took them."""
        super().resume_writing()
        self._unwatch()

    def connection_lost(self, exc: Exception | None) -> None:
        """Nobody is there to be watched."""
        self._unwatch()
        super().connection_lost(exc)

    def _watch_unsent(self) -> None:
        seconds, unsent = self._settings.slow_download_seconds, self.transport.get_write_buffer_size()
        wait = min(seconds, max(self._seconds_to_take, 0))
        self._stalled = self.loop.call_later(wait, self._look_at_unsent, unsent - int(1024 * seconds))

    def _look_at_unsent(self, most: int) -> None:
        if self._seconds_to_take <= 0 or self.transport.get_write_buffer_size() > most:
            self.transport.abort()
        else:
            self._watch_unsent()

    @property
    def _seconds_to_take(self) -> float:
        """How long the client may still take the answer, if that is complete: others are still being made."""
        return inf if self.cycle.chunked_encoding else self._take_until - self.loop.time()

    def _unwatch(self) -> None:
        if self._stalled is not None:
            self._stalled.cancel()
            self._stalled = None

    def on_headers_complete(self) -> None:
        """Offer the extension with every request."""
        super().on_headers_complete()  # which lets the application begin, but not before this returns
        receive_into: ReceiveInto = functools.partial(self._receive_into, self.cycle)
        self.scope["extensions"] = {RECEIVE_INTO: receive_into}  # type: ignore[dict-item]  # ours
        if self.loop.time() > self._old_at:
            self.cycle.keep_alive = False

    async def _receive_into(
        self, cycle: RequestResponseCycle, data: memoryview, filled: int, grown: Grown
    ) -> None:
        end = filled + len(cycle.body)
        data[filled:end] = cycle.body
        cycle.body = bytearray()
        grown(end)
        if cycle.more_body:
            await self._receive_rest(cycle, data, end, grown)
        if cycle.more_body:
            raise ClientDisconnect

    async def _receive_rest(
        self, cycle: RequestResponseCycle, data: memoryview, filled: int, grown: Grown
    ) -> None:
        """Without the parser, which would copy it twice. It cannot go on after what it did not see."""

        def ended() -> None:
            self._hand_over(self)
            self.parser = request_parser(self)
            self.on_message_complete()

        body = _Body(self, data, filled, grown, ended)
        self._hand_over(body)
        try:
            while cycle.more_body and not cycle.disconnected:
                await cycle.message_event.wait()
                cycle.message_event.clear()
        finally:
            if cycle.more_body and not cycle.disconnected:  # it was given up
                cycle.keep_alive = False
                self._hand_over(self)
            body.let_go()

    def _hand_over(self, protocol: asyncio.BaseProtocol) -> None:
        """Let another protocol have the bytes to come."""
        self.transport.set_protocol(protocol)
        self.flow.resume_reading()


def request_parser(protocol: Connection) -> httptools.HttpRequestParser:
    """A parser with nothing behind it, as uvicorn makes one."""
    parser = httptools.HttpRequestParser(protocol)
    parser.set_dangerous_leniencies(lenient_data_after_close=True)
    return parser
