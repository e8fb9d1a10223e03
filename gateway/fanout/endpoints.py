"""Where workers are: the sources of addresses, behind one interface."""

from __future__ import annotations

from typing import Protocol


class Endpoints(Protocol):
    """A source of worker addresses."""

    def current(self) -> tuple[str, ...]:
        """Base URLs of the workers that should exist now."""


class StaticEndpoints:
    """A fixed list, as ``http://a:8000,http://b:8000``."""

    def __init__(self, listed: str) -> None:
        self._urls = tuple(url.strip().rstrip("/") for url in listed.split(",") if url.strip())

    def current(self) -> tuple[str, ...]:
        """The list."""
        return self._urls
