"""A request body while it comes in: the event loop fills a buffer, a conversion's thread waits for parts."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Generator

from fastapi import Request
from starlette.requests import ClientDisconnect

from shared.problems import DeadlineExceeded, Problem
from shared.service import body
from shared.service.frames import let_go
from worker.slots import Cancel, CancelledByClientError


@contextlib.contextmanager
def received_in_time() -> Generator[None]:
    """A timeout as a problem."""
    try:
        yield
    except TimeoutError as exc:
        raise DeadlineExceeded("the deadline passed while the image was received") from exc


class Arriving:
    """How much of a body is there. Everything but `wait_for` belongs to the event loop."""

    def __init__(self, data: memoryview, filled: int = 0) -> None:
        self.data = data
        self._filled = filled
        self._error: Exception | None = None
        self._changed = threading.Condition()

    async def fill(self, request: Request, cancel: Cancel) -> None:
        """Receive the body; what goes wrong is raised by `wait_for`."""
        if self._filled:
            return
        try:
            with let_go(), received_in_time():
                async with asyncio.timeout(cancel.seconds_left):
                    await body.fill(request, self.data, self.grow)
        except ClientDisconnect:
            self.fail(CancelledByClientError())
        except Problem as problem:
            self.fail(problem)

    def grow(self, filled: int) -> None:
        """So many bytes are there."""
        with self._changed:
            self._filled = filled
            self._changed.notify_all()

    def fail(self, error: Exception) -> None:
        """No more will come. The error is kept without the frames it left, which hold this and the body."""
        with self._changed:
            self._error = error.with_traceback(None)
            self._changed.notify_all()

    def wait_for(self, count: int) -> None:
        """Return once so many bytes are there, or all; raise what kept them away."""
        count = max(min(count, len(self.data)), 1)
        with self._changed:
            self._changed.wait_for(lambda: self._filled >= count or self._error is not None)
            if self._filled < count and self._error is not None:
                raise self._error
