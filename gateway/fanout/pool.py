"""Which worker is free and which is ill: power of two choices, ejection, re-admission by trial, panic.

A worker is unknown until a probe has answered, so that new and returned ones get no real work before they
can do it. Clock and random are arguments; nothing here knows HTTP.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field
from random import Random
from statistics import median

from gateway.fanout.health import Ejection, Health, State

_REPORT_SECONDS = 1.0
_SLOW = 3.0
"""How many times as long as its peers a worker may take."""


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
    isolated: bool = False
    """Kept for one part that may have killed the worker it had before."""
    health: Health = field(default_factory=Health)

    @property
    def load(self) -> float:
        """Work per slot."""
        return (self.in_flight + self.busy_elsewhere) / self.slots

    @property
    def free(self) -> int:
        """Slots that nobody is known to use; of a worker on trial one at most."""
        slots = 1 if self.health.state is State.TRIAL else self.slots
        return max(slots - self.in_flight - self.busy_elsewhere, 0)

    @property
    def is_tried(self) -> bool:
        """Whether it is on trial, with the one attempt it gets."""
        return self.health.state is State.TRIAL and self.in_flight > 0


class Pool:
    """The workers of one gateway."""

    def __init__(
        self,
        random: Random,
        clock: Callable[[], float],
        fixed_slots: int = 0,
        told: Callable[[Ejection], None] = lambda _: None,
    ) -> None:
        """`fixed_slots`: of each worker, whatever it reports; 0: what it reports. `told`: of ejections."""
        self._told = told
        self._random = random
        self._clock = clock
        self._fixed_slots = fixed_slots
        self._workers: dict[str, Worker] = {}
        self._ordinals = 0

    def update(self, urls: Iterable[str]) -> None:
        """Take over the current addresses: new ones are unknown, vanished ones get no new work."""
        wanted = set(urls)
        for gone in self._workers.keys() - wanted:
            self._workers.pop(gone)
        for url in sorted(wanted - self._workers.keys()):
            self._workers[url] = Worker(url, self._ordinals, self._fixed_slots or 1)
            self._ordinals += 1

    @property
    def ready(self) -> list[Worker]:
        """Workers that may get work; the ejected too if they are most of those that are there (panic)."""
        ready = [w for w in self._workers.values() if w.health.state in {State.READY, State.TRIAL}]
        ejected = [w for w in self._workers.values() if w.health.state is State.EJECTED]
        return ready + ejected if len(ejected) > len(ready) else ready

    @property
    def known(self) -> int:
        """How many workers there should be."""
        return len(self._workers)

    @property
    def ejected(self) -> int:
        """How many workers are out because they failed or were slow."""
        return sum(worker.health.state is State.EJECTED for worker in self._workers.values())

    @property
    def slots(self) -> int:
        """Slots of all ready workers."""
        return sum(worker.slots for worker in self.ready)

    @property
    def free_slots(self) -> int:
        """Slots nobody is known to use, over all ready workers."""
        self._forget_old_reports()
        return sum(worker.free for worker in self.ready)

    def absent(self) -> list[Worker]:
        """Workers to probe: unknown ones, and ejected ones whose time is over."""
        now = self._clock()
        return [
            worker
            for worker in self._workers.values()
            if worker.health.state is State.UNKNOWN
            or (worker.health.state is State.EJECTED and worker.health.ejected_until <= now)
        ]

    def take(self, avoid: Collection[Worker] = ()) -> Worker | None:
        """A ready worker for an attempt that begins now, if possible none of `avoid`; None if there is none.

        One with a free slot if there is one: the stripes of an image must not meet on a worker while
        another idles. Of those the one used last, whose memory and caches are warm. Else the less
        loaded of two random ones, so that several gateways do not all run to the same (Mitzenmacher,
        The Power of Two Choices in Randomized Load Balancing, 2001).
        """
        self._forget_old_reports()
        ready = self.ready
        able = [w for w in ready if not w.is_tried and not w.isolated]
        candidates = [w for w in able if w not in avoid] or able
        if not candidates:
            return None
        free = [w for w in candidates if w.free]
        pair = free or self._random.sample(candidates, min(2, len(candidates)))
        worker = min(pair, key=lambda w: (w.load, -w.taken_at, self._random.random()))
        self.begin(worker)
        return worker

    def begin(self, worker: Worker) -> None:
        """An attempt begins on it."""
        worker.in_flight += 1
        worker.taken_at = self._clock()

    def isolate(self, avoid: Collection[Worker] = ()) -> Worker | None:
        """The ready worker with the least to do; None if there is none, or others have it now.

        It gets nothing else until `release`: a part that may have killed its last worker must take no other
        parts with it, or they would be suspected too. What it has already it ends first. One of `avoid` it
        is only where no other is ready, isolated ones included: those can be waited for.
        """
        fresh = [worker for worker in self.ready if worker not in avoid]
        candidates = [worker for worker in fresh or self.ready if not worker.isolated]
        if not candidates:
            return None
        worker = min(candidates, key=lambda w: (w.in_flight + w.busy_elsewhere, self._random.random()))
        worker.isolated = True
        return worker

    def release(self, worker: Worker) -> None:
        """It may get other work again."""
        worker.isolated = False

    def ended(self, worker: Worker) -> None:
        """An attempt that `take` began is over, however."""
        worker.in_flight -= 1

    def probed(self, worker: Worker, load: tuple[int, int, int] | None) -> None:
        """It answered a probe; `load` is its (running, slots, queued)."""
        worker.health.probed()
        if load is not None:
            self._report(worker, load, ours=worker.in_flight)

    def heard(self, worker: Worker, load: tuple[int, int, int]) -> None:
        """The head of an answer came, with the load the worker had when it had done with that attempt."""
        self._report(worker, load, ours=worker.in_flight - 1)

    def answered(self, worker: Worker) -> None:
        """An attempt brought an answer that makes sense."""
        worker.health.answered()

    def failed(self, worker: Worker, *, gone: bool) -> None:
        """It gave no answer. Refusing a connection (`gone`) ejects at once, else five in a row do.

        The only worker is never ejected: nobody else could do better.
        """
        self._failed(worker, Ejection.FAILED, gone=gone)

    def _failed(self, worker: Worker, why: Ejection, *, gone: bool = False) -> None:
        if worker.health.failed(gone=gone) and self.known > 1:
            self._eject(worker, why)

    def _eject(self, worker: Worker, why: Ejection) -> None:
        worker.health.eject(self._clock())
        self._told(why)

    def beaten(self, worker: Worker) -> None:
        """Its attempt was given up: a hedge, begun much later, was answered first.

        That happens to any worker now and then, but five times in a row only to one that hangs or crawls.
        """
        self._failed(worker, Ejection.BEATEN)

    def took(self, worker: Worker, ratio: float) -> None:
        """An attempt took so many times as long as usual.

        A worker far slower than its peers is ejected, while at least half of those there are left.
        """
        health = worker.health
        health.ratios.append(ratio)
        peers = [
            w.health for w in self._workers.values() if w.health.state is State.READY and w is not worker
        ]
        paces = [pace for peer in peers if (pace := peer.pace) is not None]
        if health.state is not State.READY or health.pace is None or not paces:
            return
        if health.pace > _SLOW * median(paces) and len(peers) > self.ejected:
            self._eject(worker, Ejection.SLOW)

    def _report(self, worker: Worker, load: tuple[int, int, int], *, ours: int) -> None:
        running, slots, queued = load
        worker.slots = self._fixed_slots or slots
        worker.busy_elsewhere = 0 if self._fixed_slots else max(running + queued - ours, 0)
        worker.reported_at = self._clock()

    def _forget_old_reports(self) -> None:
        """What others did a while ago says nothing about now."""
        for worker in self._workers.values():
            if self._clock() - worker.reported_at > _REPORT_SECONDS:
                worker.busy_elsewhere = 0
