"""One file of a batch, wherever its bytes are."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeAlias

PIECE = 1 << 20
"""Bytes read or written at a time."""

Date: TypeAlias = tuple[int, int, int, int, int, int]
"""Year to second, as zip archives have it."""


@dataclass(frozen=True, slots=True)
class BatchFile:
    """A file as it was sent; nothing of it is in memory."""

    name: str
    size: int
    """Bytes."""
    pieces: Callable[[], Iterator[bytes]]
    """Reads them, in any thread; raises a `Problem` where they cannot be had."""
    date: Date | None = None
    """When it was last changed, where that is known."""
