"""uvicorn's HTTP protocol, with large bodies received straight into a buffer of the application's.

The ASGI way hands each piece of a body to a task, by way of two more copies; for 53 MB that took half of
the time. `RECEIVE_INTO` is an ASGI extension: an application that finds it in the scope may ask for the
rest of a body there, after it received a first piece the ordinary way.

A connection also ends when its client no longer takes an answer, and with the answer after it got old:
then the client connects anew, perhaps to a pod that was not there before.
"""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from random import uniform
from typing import Any, TypeAlias

from starlette.requests import ClientDisconnect
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from shared.service.settings import ServiceSettings

RECEIVE_INTO = "grisaille.receive_into"
Grown: TypeAlias = Callable[[int], None]
"""Hears how much of a buffer is filled."""
ReceiveInto: TypeAlias = Callable[[memoryview, int, Grown], Awaitable[None]]
"""Fills a buffer from an offset on with the rest of the body; `ClientDisconnect` if that does not come."""


@dataclass(slots=True)
class _Sink:
    """Where a body goes."""

    data: memoryview
    filled: int
    grown: Grown

    def add(self, piece: bytes | bytearray) -> None:
        """Take the next bytes."""
        end = self.filled + len(piece)
        self.data[self.filled : end] = piece
        self.filled = end
        self.grown(end)


class Connection(HttpToolsProtocol):
    """One connection of a client."""

    _sink: _Sink | None = None

    def __init__(self, *, settings: ServiceSettings, **uvicorns: Any) -> None:
        super().__init__(**uvicorns)
        self._settings = settings
        jitter = uniform(0.9, 1.1)  # noqa: S311 - so that not all end together
        self._old_at = self.loop.time() + jitter * settings.max_connection_seconds
        self._stalled: asyncio.TimerHandle | None = None

    def pause_writing(self) -> None:
        """The client is behind: see that it goes on taking bytes."""
        super().pause_writing()
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
        unsent = self.transport.get_write_buffer_size()
        seconds = self._settings.slow_download_seconds
        self._stalled = self.loop.call_later(seconds, self._look_at_unsent, unsent - int(1024 * seconds))

    def _look_at_unsent(self, most: int) -> None:
        if self.transport.get_write_buffer_size() > most:
            self.transport.abort()
        else:
            self._watch_unsent()

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

    def on_body(self, body: bytes) -> None:
        """Put a piece of a body where its application wants it."""
        if self._sink is None:
            super().on_body(body)
        else:
            self._sink.add(body)

    def on_message_complete(self) -> None:
        """What the parser finds from now on belongs to the next request."""
        self._sink = None
        super().on_message_complete()

    async def _receive_into(
        self, cycle: RequestResponseCycle, data: memoryview, filled: int, grown: Grown
    ) -> None:
        sink = _Sink(data, filled, grown)
        sink.add(cycle.body)
        cycle.body = bytearray()
        if cycle.more_body:
            self._sink = sink
            self.flow.resume_reading()
        try:
            while cycle.more_body and not cycle.disconnected:
                await cycle.message_event.wait()
                cycle.message_event.clear()
        finally:
            if self._sink is sink:  # it was given up
                self._sink = None
        if sink.filled < len(data):
            raise ClientDisconnect
