"""Stages of one conversion in threads of their own, side by side: items handed on in order, few at a time.

It pays where the stages free the GIL. One rule: no thread outlives the `with` block of its `Stages`.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from queue import SimpleQueue
from types import TracebackType
from typing import Generic, Self, TypeVar

_T = TypeVar("_T")
_ITEMS_AHEAD = 4
"""Enough to even out bands that take longer. Memory grows with it."""


class Stages:
    """The threads of one conversion, ended when the `with` block is left, however that happens."""

    def __init__(self, *, threads: bool) -> None:
        self.threads = threads
        self._producers: list[_Producer[object]] = []

    def ahead(self, items: Iterator[_T]) -> Iterator[_T]:
        """The same items, produced in another thread up to a few before they are asked for.

        An error of `items` arrives where its item would. Without threads these are `items` themselves.
        """
        if not self.threads:
            return items
        producer = _Producer(items)
        self._producers.append(producer)  # type: ignore[arg-type]  # of any type: it is only stopped here
        return producer.items()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for producer in self._producers:
            producer.stop()
        for producer in self._producers:
            producer.join()


class _Producer(Generic[_T]):
    """A thread that runs an iterator a few items ahead of its consumer."""

    def __init__(self, items: Iterator[_T]) -> None:
        self._ready: SimpleQueue[tuple[_T] | BaseException | None] = SimpleQueue()
        self._wanted: SimpleQueue[None] = SimpleQueue()
        self._stopped = False
        for _ in range(_ITEMS_AHEAD):
            self._wanted.put(None)
        self._thread = threading.Thread(target=self._run, args=(items,), name="stage")
        self._thread.start()

    def items(self) -> Iterator[_T]:
        """What the thread produces; no more once it was stopped."""
        while (found := self._ready.get()) is not None:
            if isinstance(found, BaseException):
                raise found
            self._wanted.put(None)
            yield found[0]

    def stop(self) -> None:
        """Ask the thread to end after the item at hand."""
        self._stopped = True
        self._wanted.put(None)

    def join(self) -> None:
        """Wait for the end. All must have been asked to end: they may wait for each other."""
        self._thread.join()

    def _run(self, items: Iterator[_T]) -> None:
        try:
            while self._wanted.get() is None and not self._stopped:
                self._ready.put((next(items),))
        except StopIteration:
            pass
        except BaseException as exc:  # noqa: BLE001 - it is raised where the items are read
            self._ready.put(exc)
        self._ready.put(None)
