"""Overlapping the stages of a serial format: each in a thread of its own, bands handed on in order."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

_T = TypeVar("_T")
_BANDS_AHEAD = 6


def ahead(items: Iterator[_T]) -> Iterator[_T]:
    """The same items, produced in another thread up to a few before they are asked for.

    Errors of the producer arrive where its items would. It pays where both sides free the GIL.
    """
    end = object()
    with ThreadPoolExecutor(1, thread_name_prefix="ahead") as thread:
        pending = deque(thread.submit(next, items, end) for _ in range(_BANDS_AHEAD))
        try:
            while (item := pending.popleft().result()) is not end:
                pending.append(thread.submit(next, items, end))
                yield item  # type: ignore[misc]  # only `end` is not one of the items
        finally:
            for future in pending:
                future.cancel()
