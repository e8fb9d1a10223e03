"""The service from Python: `Client`, and `AsyncClient` for asyncio.

Files are streamed in and out, and a conversion is asked for again where that is safe, which it always is:
the same file and options give the same picture. Errors are those of `grisaille.errors`.
"""

from __future__ import annotations

import asyncio
import contextlib
import random as randomness
import time
import urllib.request
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import replace
from typing import Self, TypeAlias, TypedDict, Unpack

import httpx

from grisaille.answer import Converted, Part, Plan, told
from grisaille.errors import (
    GrisailleError,
    Interrupted,
    Problem,
    UnexpectedAnswer,
    Unreachable,
    refusal,
)
from grisaille.plain_http import PlainTransport
from grisaille.retry import Retry, Tries
from grisaille.transfer import CHUNK, Source, Target, Upload, downloading, uploading

__all__ = [
    "AsyncClient",
    "Client",
    "Converted",
    "GrisailleError",
    "Interrupted",
    "Options",
    "Part",
    "Plan",
    "Problem",
    "Retry",
    "UnexpectedAnswer",
    "Unreachable",
]

_CONNECT_SECONDS = 10.0
_SILENCE_SECONDS = 300.0
"""Longer than the service may take for the largest picture (60 s + 0.1 s a megapixel)."""
_IDLE_SECONDS = 15.0
"""Less than the service keeps a connection."""
_LIMITS = httpx.Limits(max_connections=None, max_keepalive_connections=None, keepalive_expiry=_IDLE_SECONDS)
_TIMEOUT = httpx.Timeout(_SILENCE_SECONDS, connect=_CONNECT_SECONDS)

_LONGEST_REFUSAL = 1 << 20
"""Bytes read of an answer without a picture: a problem is short, somebody else's page may be endless."""

Progress: TypeAlias = Callable[[int, int], None]
"""Called with the bytes sent and received so far, from zero again if there is another try. What it raises
ends the conversion."""


class Options(TypedDict, total=False):
    """What may be asked for; the service documents and checks the values."""

    format: str | None
    luma: str | None
    quality: int | None
    effort: str | None
    metadata: str | None
    stripes: int | None


def _unwatched(_sent: int, _received: int) -> None:
    """Nobody wants to know."""


class Client:
    """The service at a URL; may be used by many threads at once.

    >>> from grisaille.client import Client
    >>> with Client(url) as client:
    ...     converted = client.convert("photo.jpg", "grey.png", format="png", stripes=2)
    >>> converted.path.name, converted.format, converted.plan.kind
    ('grey.png', 'png', 'stripes')
    """

    def __init__(
        self,
        url: str,
        *,
        retry: Retry = Retry(),  # noqa: B008 - it is frozen
        http: httpx.Client | None = None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
        random: Callable[[], float] = randomness.random,
    ) -> None:
        """`http`: for certificates, proxies, authentication, other timeouts; closed with this client.

        Raises `ValueError` if `url` is not one of HTTP.
        """
        self._url = _convert_url(url)
        self._retry = retry
        self._http = http or _http(self._url)
        self._clock, self._sleep, self._random = clock, sleep, random

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End all connections."""
        self._http.close()

    def convert(
        self,
        source: Source,
        target: Target | None = None,
        *,
        progress: Progress = _unwatched,
        **options: Unpack[Options],
    ) -> Converted:
        """The picture in grey, written to `target` if there is one, else as `content` of what is returned.

        A path in `target` is replaced in one step once the picture is complete. Raises `GrisailleError`, and
        `OSError` where a file cannot be read or written.
        """
        tries = Tries(self._retry, self._clock, self._random)
        with uploading(source) as upload:
            while True:
                try:
                    return self._try(upload, target, progress, options, tries)
                except GrisailleError as error:
                    self._sleep(tries.pause(error))

    def _try(
        self, upload: Upload, target: Target | None, progress: Progress, options: Options, tries: Tries
    ) -> Converted:
        request = self._http.build_request(
            "POST",
            self._url,
            params=_query(options),
            content=_watched(upload, progress),
            headers=_headers(upload),
        )
        with _translated(), contextlib.closing(self._http.send(request, stream=True)) as answer:
            if answer.status_code != httpx.codes.OK:
                body = next(answer.iter_raw(_LONGEST_REFUSAL), b"")
                raise refusal(answer.status_code, answer.headers, body)
            converted = _told(answer)
            with downloading(target) as download:
                for chunk in answer.iter_raw():
                    download.file.write(chunk)
                    progress(upload.size, answer.num_bytes_downloaded)
        return replace(converted, content=download.content, path=download.path, tries=tries.count + 1)


class AsyncClient:
    """As `Client`, for asyncio; files are read and written in threads.

    >>> import asyncio
    >>> from grisaille.client import AsyncClient
    >>> async def grey(*names: str) -> list[str]:
    ...     async with AsyncClient(url) as client:
    ...         converted = await asyncio.gather(*(client.convert(name) for name in names))
    ...         return [one.media_type for one in converted]
    >>> asyncio.run(grey("photo.jpg", "drawing.png"))
    ['image/jpeg', 'image/png']
    """

    def __init__(
        self,
        url: str,
        *,
        retry: Retry = Retry(),  # noqa: B008 - it is frozen
        http: httpx.AsyncClient | None = None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        random: Callable[[], float] = randomness.random,
    ) -> None:
        """As those of `Client`."""
        self._url = _convert_url(url)
        self._retry = retry
        self._http = http or httpx.AsyncClient(limits=_LIMITS, timeout=_TIMEOUT)
        self._clock, self._sleep, self._random = clock, sleep, random

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """End all connections."""
        await self._http.aclose()

    async def convert(
        self,
        source: Source,
        target: Target | None = None,
        *,
        progress: Progress = _unwatched,
        **options: Unpack[Options],
    ) -> Converted:
        """As `Client.convert`; cancelling it leaves nothing behind."""
        tries = Tries(self._retry, self._clock, self._random)
        with contextlib.ExitStack() as stack:
            upload = await asyncio.to_thread(stack.enter_context, uploading(source))
            while True:
                try:
                    return await self._try(upload, target, progress, options, tries)
                except GrisailleError as error:
                    await self._sleep(tries.pause(error))

    async def _try(
        self, upload: Upload, target: Target | None, progress: Progress, options: Options, tries: Tries
    ) -> Converted:
        request = self._http.build_request(
            "POST",
            self._url,
            params=_query(options),
            content=_in_threads(_watched(upload, progress)),
            headers=_headers(upload),
        )
        with _translated():
            async with contextlib.aclosing(await self._http.send(request, stream=True)) as answer:
                if answer.status_code != httpx.codes.OK:
                    body = await anext(answer.aiter_raw(_LONGEST_REFUSAL), b"")
                    raise refusal(answer.status_code, answer.headers, body)
                converted = _told(answer)
                with downloading(target) as download:
                    async for chunk in answer.aiter_raw(CHUNK):
                        await asyncio.to_thread(download.file.write, chunk)
                        progress(upload.size, answer.num_bytes_downloaded)
        return replace(converted, content=download.content, path=download.path, tries=tries.count + 1)


def _convert_url(url: str) -> httpx.URL:
    try:
        parsed = httpx.URL(url.rstrip("/") + "/convert")
    except httpx.InvalidURL as exc:
        raise ValueError(f"{url!r} is not a URL: {exc}") from exc
    if parsed.scheme not in {"http", "https"} or not parsed.host:
        raise ValueError(f"{url!r} is not a URL that begins with http:// or https://")
    return parsed


def _http(url: httpx.URL) -> httpx.Client:
    """Through httpx's own transport where there is encryption or a proxy, which ours knows nothing of."""
    if url.scheme == "https" or urllib.request.getproxies().keys() & {"http", "all"}:
        return httpx.Client(limits=_LIMITS, timeout=_TIMEOUT)
    return httpx.Client(transport=PlainTransport(_IDLE_SECONDS), timeout=_TIMEOUT)


def _query(options: Options) -> dict[str, str] | None:
    """None if it is empty: httpx would parse the URL again, which is a third of making a request."""
    return {name: str(value) for name, value in options.items() if value is not None} or None


def _headers(upload: Upload) -> dict[str, str]:
    return {
        "Content-Length": str(upload.size),
        "Content-Type": "application/octet-stream",
        "Accept": "*/*",
        "Accept-Encoding": "identity",
    }


def _watched(upload: Upload, progress: Progress) -> Iterator[bytes]:
    sent = 0
    for chunk in upload.chunks():
        progress(sent, 0)
        yield chunk
        sent += len(chunk)
    progress(sent, 0)


async def _in_threads(chunks: Iterator[bytes]) -> AsyncIterator[bytes]:
    while chunk := await asyncio.to_thread(next, chunks, b""):
        yield chunk


@contextlib.contextmanager
def _translated() -> Iterator[None]:
    """What httpx raises, as one of ours."""
    try:
        yield
    except (httpx.ConnectError, httpx.ConnectTimeout, httpx.ProxyError) as exc:
        raise Unreachable(f"no connection to the service: {exc}") from exc
    except httpx.TransportError as exc:
        raise Interrupted(f"the connection broke off: {str(exc) or type(exc).__name__}") from exc


def _told(answer: httpx.Response) -> Converted:
    try:
        return told(answer.headers)
    except (KeyError, ValueError) as exc:
        message = f"not an answer of the service: {exc!r} in its headers"
        raise UnexpectedAnswer(message, answer.status_code) from exc
