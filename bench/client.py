"""One keep-alive connection to a service, as a program that sends many images would hold it.

Answers are read into one buffer that is used again: the service is measured, not our allocator.
"""

from __future__ import annotations

import http.client
from dataclasses import dataclass
from types import TracebackType
from typing import Self

_TIMEOUT_SECONDS = 180.0


class AnswerError(RuntimeError):
    """The service answered with something else than an image."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A grey image; its body is valid until the next request."""

    body: memoryview
    stages: str
    """`Server-Timing`."""
    plan: str
    """`X-Grisaille-Plan`."""


class Client:
    """A connection and its buffer."""

    def __init__(self, port: int) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_TIMEOUT_SECONDS)
        self._buffer = bytearray()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._connection.close()

    def convert(self, image: bytes, written: str) -> Answer:
        """The image in grey; `AnswerError` if the service has none."""
        self._connection.request("POST", f"/convert?format={written}", body=image)
        response = self._connection.getresponse()
        if response.status != http.client.OK:
            raise AnswerError(f"status {response.status}: {response.read(2000)!r}")
        body = self._read(response)
        return Answer(
            body, response.headers.get("Server-Timing", ""), response.headers.get("X-Grisaille-Plan", "")
        )

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
