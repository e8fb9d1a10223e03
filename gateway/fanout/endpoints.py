"""Where workers are: the sources of addresses, behind one interface."""

from __future__ import annotations

import asyncio
import re
import socket
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Protocol, TypeAlias
from urllib.parse import unquote, urlsplit

Lookup: TypeAlias = Callable[[str, int], Awaitable[list[str]]]
"""IP addresses of a name; `LookupError` if it has none, `OSError` if nobody could tell."""
_LOOKUP_SECONDS = 5.0
_NO_ADDRESS = {socket.EAI_NONAME, getattr(socket, "EAI_NODATA", socket.EAI_NONAME)}


class Endpoints(Protocol):
    """A source of worker addresses."""

    def current(self) -> tuple[str, ...]:
        """Base URLs of the workers that should exist, as of the last `refresh`."""

    async def refresh(self) -> bool:
        """Look where they are now; whether the source answered. If not, things stay as they are."""


class StaticEndpoints:
    """A fixed list, as ``http://a:8000,http://b:8000``."""

    def __init__(self, listed: str) -> None:
        self._urls = _urls(listed.split(","))

    def current(self) -> tuple[str, ...]:
        """The list."""
        return self._urls

    async def refresh(self) -> bool:
        """Nothing changes."""
        return True


class DnsEndpoints:
    """All addresses of a name, as of a headless Service; ``dns://name:port``."""

    def __init__(self, name: str, port: int, lookup: Lookup) -> None:
        self._name = name
        self._port = port
        self._lookup = lookup
        self._urls: tuple[str, ...] = ()
        self._was_empty = False

    def current(self) -> tuple[str, ...]:
        """The addresses of the last good answer."""
        return self._urls

    async def refresh(self) -> bool:
        """Ask again. One empty answer may be a hiccup and is not believed, two in a row are."""
        try:
            async with asyncio.timeout(_LOOKUP_SECONDS):
                found = await self._lookup(self._name, self._port)
        except LookupError:
            found = []
        except OSError:  # TimeoutError is one
            return False
        if found or self._was_empty:
            self._urls = tuple(sorted(f"http://{_bracketed(ip)}:{self._port}" for ip in set(found)))
        self._was_empty = not found
        return True


class FileEndpoints:
    """The lines of a file that somebody keeps up to date; ``file:///path``."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._urls: tuple[str, ...] = ()

    def current(self) -> tuple[str, ...]:
        """The lines as last read."""
        return self._urls

    async def refresh(self) -> bool:
        """Read it again."""
        try:
            self._urls = _urls(self._path.read_text().splitlines())
        except OSError:
            return False
        return True


def parse(setting: str) -> Endpoints:
    """The source that GRISAILLE_WORKERS names; `ValueError` if it names none."""
    parts = urlsplit(setting)
    if parts.scheme == "dns" and parts.hostname and parts.port:
        return DnsEndpoints(parts.hostname, parts.port, addresses)
    if parts.scheme == "file" and parts.path:
        return FileEndpoints(Path(unquote(parts.path)))
    service = re.fullmatch(r"k8s://([a-z0-9-]+)/([a-z0-9-]+):(\d+)", setting)
    if service is not None:
        # Imported only now: nobody else needs a client of the Kubernetes API.
        from gateway.fanout.kubernetes import SliceEndpoints  # noqa: PLC0415

        return SliceEndpoints(service[1], service[2], int(service[3]))
    urls = _urls(setting.split(","))
    if urls and all(urlsplit(url).scheme == "http" and urlsplit(url).hostname for url in urls):
        return StaticEndpoints(setting)
    raise ValueError(
        f"GRISAILLE_WORKERS={setting!r}: not URLs, dns://name:port, "
        "k8s://namespace/service:port or file:///path"
    )


async def addresses(name: str, port: int) -> list[str]:
    """All A and AAAA records of a name, by the system's resolver, in a thread of its own pool."""
    loop = asyncio.get_running_loop()
    try:
        found = await loop.getaddrinfo(name, port, type=socket.SOCK_STREAM)
    except socket.gaierror as exc:
        if exc.errno in _NO_ADDRESS:
            raise LookupError(name) from exc
        raise
    return [str(address[0]) for *_, address in found]


async def follow(endpoints: Endpoints, update: Callable[[tuple[str, ...]], None], seconds: float) -> None:
    """Hand the current addresses to `update`, again every `seconds`, until cancelled."""
    while True:
        await endpoints.refresh()
        update(endpoints.current())
        await asyncio.sleep(seconds)


def _urls(listed: list[str]) -> tuple[str, ...]:
    return tuple(url.strip().rstrip("/") for url in listed if url.strip())


def _bracketed(ip: str) -> str:
    return f"[{ip}]" if ":" in ip else ip
