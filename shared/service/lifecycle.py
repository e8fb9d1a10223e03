"""Whether a service is starting, ready or draining, and how busy it is."""

from __future__ import annotations

import time
from collections.abc import Callable

from starlette.types import ASGIApp, Message, Receive, Scope, Send


class Lifecycle:
    """State of one process, shared by its public app, its probes and its signal handler."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._last_request = clock()
        self.started = False
        self.draining = False
        self.in_flight = 0

    @property
    def ready(self) -> bool:
        """Whether new work is welcome."""
        return self.started and not self.draining

    def begin(self) -> None:
        """A request arrived."""
        self.in_flight += 1
        self._last_request = self._clock()

    def end(self) -> None:
        """A request was answered."""
        self.in_flight -= 1
        self._last_request = self._clock()

    def quiet_for(self) -> float:
        """Seconds since the last request began or ended; 0 while one runs."""
        return 0.0 if self.in_flight else self._clock() - self._last_request


class TrackRequests:
    """Counts requests and, while draining, asks clients to close their connections."""

    def __init__(self, app: ASGIApp, lifecycle: Lifecycle) -> None:
        self._app = app
        self._lifecycle = lifecycle

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass one request on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_closing(message: Message) -> None:
            if message["type"] == "http.response.start" and self._lifecycle.draining:
                message["headers"] = [*message.get("headers", []), (b"connection", b"close")]
            await send(message)

        self._lifecycle.begin()
        try:
            await self._app(scope, receive, send_closing)
        finally:
            self._lifecycle.end()
