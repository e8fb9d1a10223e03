"""What is measured of a stack on one route: one image at a time, and many in flight."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from bench import throughput
from bench.client import Client
from bench.measure import Outcome, PixelCheck, Series, measure
from bench.scaling.stack import Cpu, Quotas, Stack

IN_FLIGHT = 16
WARMUP = 1
FIRST = 2
"""Answers of each worker before the window in which throughput is counted."""


@dataclass(frozen=True, slots=True)
class Task:
    """A route: what is sent, what is asked for, what must come."""

    image: bytes
    written: str
    check: PixelCheck


@dataclass(frozen=True, slots=True)
class Latency:
    """One image at a time."""

    series: Series
    cpu: Cpu
    """Per image."""

    @property
    def seconds(self) -> float:
        """The median."""
        return self.series.median / 1000


@dataclass(frozen=True, slots=True)
class Throughput:
    """Many in flight."""

    images: int
    seconds: float
    """In which they were answered."""
    cpu: Cpu
    """Per image."""

    @property
    def per_second(self) -> float:
        """Images."""
        return self.images / self.seconds


def latency(stack: Stack, quotas: Quotas, task: Task, repeats: int) -> Latency:
    """One client that waits for each image before it sends the next."""
    with Client(stack.port) as client:
        metered = _Metered(lambda: client.convert(task.image, task.written), quotas.cpu, WARMUP)
        checked = frozenset({""})
        route = measure({"": metered}, task.check, checked, repeats, WARMUP, others=math.inf)
    return Latency(route.series[""], metered.per_image())


def flow(stack: Stack, quotas: Quotas, task: Task, images: int) -> Throughput:
    """In steady state, counted over so many images for each worker."""
    workers = len(stack.workers)
    window = throughput.Window(FIRST * workers, images * workers, quotas.cpu)
    begin, end = throughput.run(stack.port, task.image, task.written, task.check, IN_FLIGHT, window)
    cpu = end.meter.per_image(begin.meter, images * workers)
    return Throughput(images * workers, end.seconds - begin.seconds, cpu)


class _Metered:
    """A contender whose processor time is known, but for its first runs."""

    def __init__(self, contender: Callable[[], Outcome], meter: Callable[[], Cpu], unmetered: int) -> None:
        self._contender = contender
        self._meter = meter
        self._runs = -unmetered
        self._begin = meter()

    def __call__(self) -> Outcome:
        if self._runs == 0:
            self._begin = self._meter()
        self._runs += 1
        return self._contender()

    def per_image(self) -> Cpu:
        """Of the runs since; what the service does after an answer is part of it."""
        return self._meter().per_image(self._begin, self._runs)
