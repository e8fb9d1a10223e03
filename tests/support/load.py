"""Load on the service: clients that ask again and again, compare every picture and count every failure."""

from __future__ import annotations

import asyncio
import threading
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import cycle
from typing import Self

import httpx
from support.images import grey, jpeg, photo, png, unpacked
from support.service import within

from shared.options import Options


@dataclass(frozen=True)
class Picture:
    """An upload, its options and what must come back."""

    data: bytes
    query: str
    wanted: dict[bytes, bytes] | bytes

    @classmethod
    def of(cls, data: bytes, query: str = "") -> Picture:
        return cls(data, query, unpacked(grey(data, Options())))


def mixed() -> list[Picture]:
    """Whole images and stripes, JPEG and PNG, small enough for many a second."""
    return [
        Picture.of(jpeg(photo(640, 480), quality=85)),
        Picture.of(jpeg(photo(1000, 800), restart_marker_rows=1), "?stripes=3"),
        Picture.of(jpeg(photo(800, 700)), "?stripes=2"),
        Picture.of(png(photo(300, 200))),
    ]


@dataclass(frozen=True)
class Outcome:
    """What became of one request."""

    status: int
    """0: no answer."""
    seconds: float
    is_right: bool
    """The picture that was wanted."""
    text: str = ""
    retry_after: str = ""
    waited: float = 0.0
    """Seconds from the last byte of the upload to the answer."""


class _Upload(httpx.AsyncByteStream):
    """A body that knows when it was handed to the network."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self.sent = 0.0

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield self._data
        self.sent = time.monotonic()


@dataclass
class Load:
    """So many clients, each asking again as soon as it was answered, until it is told to stop."""

    url: str
    pictures: Sequence[Picture]
    clients: int
    host: str = ""
    """The Host header, if it is not that of the URL."""
    outcomes: list[Outcome] = field(default_factory=list)

    def __enter__(self) -> Self:
        self._stop = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()), daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(120)
        assert not self._thread.is_alive()

    def until(self, count: int, seconds: float = 60.0) -> None:
        """Wait for so many more answers."""
        wanted = len(self.outcomes) + count
        assert within(lambda: len(self.outcomes) >= wanted, seconds), (len(self.outcomes), wanted)

    @property
    def wrong(self) -> list[Outcome]:
        """All that did not bring the right picture."""
        return [outcome for outcome in self.outcomes if not outcome.is_right]

    def failures(self, least: int) -> Counter[str]:
        """What went wrong how often; there must have been at least so many requests."""
        assert len(self.outcomes) >= least, f"only {len(self.outcomes)} requests"
        return Counter(f"{outcome.status} {outcome.text[:200]}" for outcome in self.wrong)

    def percentile(self, share: float, first: int = 0, last: int | None = None) -> float:
        """Seconds that this share of the answers stayed under."""
        seconds = sorted(outcome.seconds for outcome in self.outcomes[first:last])
        return seconds[min(int(share * len(seconds)), len(seconds) - 1)]

    async def _run(self) -> None:
        limits = httpx.Limits(max_connections=None, max_keepalive_connections=None, keepalive_expiry=5)
        async with httpx.AsyncClient(timeout=120, limits=limits) as client:
            pictures = cycle(self.pictures)
            await asyncio.gather(*(self._ask(client, pictures) for _ in range(self.clients)))

    async def _ask(self, client: httpx.AsyncClient, pictures: Iterator[Picture]) -> None:
        while not self._stop.is_set():
            self.outcomes.append(await ask(client, self.url, next(pictures), self.host))


async def ask(client: httpx.AsyncClient, url: str, picture: Picture, host: str = "") -> Outcome:
    """One request."""
    headers = {"Content-Length": str(len(picture.data))}
    if host:
        headers["Host"] = host
    upload = _Upload(picture.data)
    started = time.monotonic()
    try:
        answer = await client.post(f"{url}/convert{picture.query}", content=upload, headers=headers)
    except httpx.TransportError as exc:
        return Outcome(0, time.monotonic() - started, is_right=False, text=repr(exc))
    ended = time.monotonic()
    right = answer.status_code == 200 and unpacked(answer.content) == picture.wanted
    text = "another picture" if answer.status_code == 200 else answer.text
    retry_after = answer.headers.get("Retry-After", "")
    return Outcome(answer.status_code, ended - started, right, text, retry_after, ended - upload.sent)
