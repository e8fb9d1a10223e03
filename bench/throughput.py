"""Images per second with many in flight, in steady state.

As many clients as images in flight ask again and again. Counted is from one completed answer to a later
one; what is in flight then is cut off, so that neither filling nor emptying the pipe is part of it.
"""

from __future__ import annotations

import http.client
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Generic, TypeVar

from bench.client import AnswerError, Client
from bench.measure import PixelCheck

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Moment(Generic[_T]):
    """When an answer was complete, and what the meter said."""

    seconds: float
    meter: _T


class Window(Generic[_T]):
    """From the answer number `first` to the answer number `first + count`."""

    def __init__(self, first: int, count: int, meter: Callable[[], _T]) -> None:
        self._edges = (first, first + count)
        self._meter = meter
        self._lock = threading.Lock()
        self._answers = 0
        self.moments: list[Moment[_T]] = []
        self.over = threading.Event()

    def answered(self) -> None:
        """Another answer is complete."""
        with self._lock:
            self._answers += 1
            if self._answers in self._edges:
                self.moments.append(Moment(time.perf_counter(), self._meter()))
            if self._answers == self._edges[1]:
                self.over.set()


def run(
    port: int, image: bytes, written: str, check: PixelCheck, in_flight: int, window: Window[_T]
) -> tuple[Moment[_T], Moment[_T]]:
    """Begin and end of the window; every answer is checked."""
    with ExitStack() as stack:
        clients = [stack.enter_context(Client(port)) for _ in range(in_flight)]
        pool = stack.enter_context(ThreadPoolExecutor(in_flight))
        running = [pool.submit(_ask, client, image, written, check, window) for client in clients]
        try:
            window.over.wait()
        finally:  # Ctrl-C as well
            window.over.set()
            for client in clients:
                client.abort()
        for one in running:
            one.result()
    begin, end = window.moments
    return begin, end


def _ask(client: Client, image: bytes, written: str, check: PixelCheck, window: Window[_T]) -> None:
    try:
        while not window.over.is_set():
            outcome = client.convert(image, written)
            window.answered()
            check(outcome.pieces)
    except (OSError, http.client.HTTPException, AnswerError):
        if not window.over.is_set():
            raise
    finally:
        window.over.set()  # one client less would be another measurement
