"""Which worker is free and which is ill: power of two choices, ejection, re-admission by trial.

A worker is unknown until a probe has answered, so that new and returned ones get no real work
before they can do it. Clock and random are arguments; nothing here knows HTTP.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from random import Random

_FAILURES_TO_EJECT = 5
_EJECTION_SECONDS = 10.0
_MAX_EJECTION_SECONDS = 120.0
_REPORT_SECONDS = 1.0


@dataclass(slots=True, eq=False)
class Worker:
    """What the pool knows of one worker. Only the pool changes it."""

    url: str
    ordinal: int
    """A small number that names it in `X-Grisaille-Parts`."""
    slots: int = 1
    in_flight: int = 0
    """Attempts of ours that run on it."""
    busy_elsewhere: int = 0
    """Conversions it reported beyond ours: other gateways'."""
    reported_at: float = 0.0
    taken_at: float = 0.0
    ready: bool = False
    failures: int = 0
    ejections: int = 0
    ejected_until: float = 0.0

    @property
    def load(self) -> float:
        """Work per slot."""
        return (self.in_flight + self.busy_elsewhere) / self.slots

    @property
    def free(self) -> int:
        """Slots that nobody is known to use."""
        return max(self.slots - self.in_flight - self.busy_elsewhere, 0)


class Pool:
    """The workers of one gateway."""

    def __init__(self, random: Random, clock: Callable[[], float]) -> None:
        self._random = random
        self._clock = clock
        self._workers: dict[str, Worker] = {}
        self._ordinals = 0

    def update(self, urls: Iterable[str]) -> None:
        """Take over the current addresses: new ones are unknown, vanished ones get no new work."""
        wanted = set(urls)
        for gone in self._workers.keys() - wanted:
            self._workers.pop(gone).ready = False
        for url in sorted(wanted - self._workers.keys()):
            self._workers[url] = Worker(url, self._ordinals)
            self._ordinals += 1

    @property
    def ready(self) -> list[Worker]:
        """Workers that may get work."""
        return [worker for worker in self._workers.values() if worker.ready]

    @property
    def known(self) -> int:
        """How many workers there should be."""
        return len(self._workers)

    @property
    def free_slots(self) -> int:
        """Slots nobody is known to use, over all ready workers."""
        self._forget_old_reports()
        return sum(worker.free for worker in self.ready)

    def absent(self) -> list[Worker]:
        """Workers to probe: unknown ones, and ejected ones whose time is over."""
        now = self._clock()
        return [w for w in self._workers.values() if not w.ready and w.ejected_until <= now]

    def take(self, avoid: Collection[Worker] = ()) -> Worker | None:
        """A ready worker for an attempt that begins now, if possible none of `avoid`; None if none is ready.

        One with a free slot if there is one: the stripes of an image must not meet on a worker while
        another idles. Of those the one used last, whose memory and caches are warm. Else the less
        loaded of two random ones, so that several gateways do not all run to the same (Mitzenmacher,
        The Power of Two Choices in Randomized Load Balancing, 2001).
        """
        self._forget_old_reports()
        candidates = [w for w in self.ready if w not in avoid] or self.ready
        if not candidates:
            return None
        free = [w for w in candidates if w.free]
        pair = free or self._random.sample(candidates, min(2, len(candidates)))
        worker = min(pair, key=lambda w: (w.load, -w.taken_at, self._random.random()))
        worker.in_flight += 1
        worker.taken_at = self._clock()
        return worker

    def ended(self, worker: Worker) -> None:
        """An attempt that `take` began is over, however."""
        worker.in_flight -= 1

    def answered(self, worker: Worker, load: tuple[int, int, int] | None) -> None:
        """It gave an answer that makes sense; `load` is its (running, slots, queued)."""
        if worker.ready:
            worker.ejections = 0  # not by the answer that readmits: probes are answered by ill ones too
        worker.ready, worker.failures = True, 0
        if load is not None:
            self._report(worker, load, ours=worker.in_flight)

    def heard(self, worker: Worker, load: tuple[int, int, int]) -> None:
        """The head of an answer came, with the load the worker had when it had done with that attempt."""
        self._report(worker, load, ours=worker.in_flight - 1)

    def _report(self, worker: Worker, load: tuple[int, int, int], *, ours: int) -> None:
        running, worker.slots, queued = load
        worker.busy_elsewhere = max(running + queued - ours, 0)
        worker.reported_at = self._clock()

    def _forget_old_reports(self) -> None:
        """What others did a while ago says nothing about now."""
        for worker in self._workers.values():
            if self._clock() - worker.reported_at > _REPORT_SECONDS:
                worker.busy_elsewhere = 0

    def failed(self, worker: Worker, *, gone: bool) -> None:
        """It gave no answer. Refusing a connection (`gone`) ejects at once, else five in a row do."""
        worker.failures += 1
        if gone:
            worker.ready = False
        elif worker.ready and worker.failures >= _FAILURES_TO_EJECT:
            worker.ejections += 1
            pause = min(_EJECTION_SECONDS * worker.ejections, _MAX_EJECTION_SECONDS)
            worker.ready, worker.ejected_until = False, self._clock() + pause
