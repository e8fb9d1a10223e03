"""One keep-alive connection to a service, as a program that sends many images would hold it.

Answers are read into one buffer that is used again: the service is measured, not our allocator.
"""

from __future__ import annotations

import contextlib
import http.client
import socket
from types import TracebackType
from typing import Self

from bench.measure import Outcome

_TIMEOUT_SECONDS = 600.0


class AnswerError(RuntimeError):
    """The service answered with something else than an image."""


class Client:
    """A connection and its buffer."""

    def __init__(self, port: int, host: str = "127.0.0.1") -> None:
        self._connection = http.client.HTTPConnection(host, port, timeout=_TIMEOUT_SECONDS)
        self._buffer = bytearray()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._connection.close()

    def convert(self, image: bytes, written: str, stripes: int | None = None) -> Outcome:
        """The image in grey, valid until the next request; `AnswerError` if the service has none."""
        asked = "" if stripes is None else f"&stripes={stripes}"
        self._connection.request("POST", f"/convert?format={written}{asked}", body=image)
        response = self._connection.getresponse()
        if response.status != http.client.OK:
            raise AnswerError(f"status {response.status}: {response.read(2000)!r}")
        body = self._read(response)
        told = response.headers
        return Outcome((body,), told.get("Server-Timing", ""), told.get("X-Grisaille-Plan", ""))

    def abort(self) -> None:
        """End the connection from another thread: a request that waits on it fails."""
        if self._connection.sock is not None:
            with contextlib.suppress(OSError):  # it has ended meanwhile
                self._connection.sock.shutdown(socket.SHUT_RDWR)

    def _read(self, response: http.client.HTTPResponse) -> memoryview:
        size = int(response.headers["Content-Length"])
        if len(self._buffer) < size:
            self._buffer = bytearray(size)
        body = memoryview(self._buffer)[:size]
        filled = 0
        while filled < size:
            count = response.readinto(body[filled:])
            if not count:
                raise AnswerError(f"the answer ends after {filled} of {size} bytes")
            filled += count
        response.read()  # nothing is left: tells http.client that the connection is free
        return body
