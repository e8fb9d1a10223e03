"""Getting one part done, whatever happens to workers: attempts, retries, hedges, deadlines."""

from __future__ import annotations

import asyncio
import functools
import logging
import time
from collections.abc import Callable, Coroutine, Hashable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

import httpx

from gateway.fanout.attempt import (
    Answer,
    AttemptError,
    AttemptOutcome,
    BadAnswerError,
    BusyError,
    FullError,
    NotSentError,
    Request,
    SentNoAnswerError,
    attempt,
)
from gateway.fanout.budget import Budget
from gateway.fanout.hedge import Lateness, hedged
from gateway.fanout.pool import Pool, Worker
from gateway.metrics import GatewayMetrics
from gateway.offload import Offload
from gateway.settings import GatewaySettings
from shared.contract import REQUEST_ID, TRACEPARENT
from shared.problems import (
    DeadlineExceeded,
    DecoderCrash,
    Internal,
    MalformedImage,
    NoWorker,
    Overloaded,
    Problem,
    Unavailable,
)
from shared.service.logs import event
from shared.service.trace import trace_id

_LOG = logging.getLogger("grisaille.gateway")
_T = TypeVar("_T")
_T_co = TypeVar("_T_co", covariant=True)
_MOST_FAILURES = 3
"""A part that ended so many connections without an answer, or was answered with nonsense so often, is
itself at fault, and must not take the other workers down one after another."""
_PAUSE_SECONDS = 0.05
_LONGEST_PAUSE_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Part(Generic[_T]):
    """One unit of work and how to look at its answer."""

    request: Request
    kind: Hashable
    """What makes parts of the same size take the same time."""
    pixels: int
    weight: float
    """How many times as long as a usual attempt one may take."""
    verify: Callable[[memoryview], _T]
    """The answer in a form that can be used; raises `MalformedImage` if it is not what was asked for."""


@dataclass(frozen=True, slots=True)
class Delivered(Generic[_T_co]):
    """A part that is done."""

    value: _T_co
    answer: Answer
    worker: int
    """Ordinal of the worker whose answer it is."""
    started: float
    attempts: int
    hedged: bool


@dataclass(slots=True)
class _Progress:
    """What has happened to a part so far."""

    deadline: float
    patience: float
    attempts: int = 0
    refusals: int = 0
    failures: list[AttemptError] = field(default_factory=list)
    hedged: bool = False
    tried: list[Worker] = field(default_factory=list)
    given_up: Worker | None = None
    """Where the attempt ran that a hedge has beaten."""

    @property
    def is_suspect(self) -> bool:
        """Whether a worker may have died of it."""
        return any(isinstance(failure, SentNoAnswerError) for failure in self.failures)

    @property
    def left(self) -> float:
        return self.deadline - time.monotonic()


def _log(request: Request, worker: Worker, failure: AttemptError) -> None:
    event(
        _LOG,
        logging.DEBUG if isinstance(failure, BusyError) else logging.WARNING,
        "attempt",
        request_id=request.headers.get(REQUEST_ID, ""),
        trace_id=trace_id(request.headers.get(TRACEPARENT, "")),
        worker=worker.url,
        outcome=failure.outcome,
        detail=str(failure),
    )


class Fanout:
    """Delivers parts to the workers of a pool."""

    def __init__(
        self,
        settings: GatewaySettings,
        pool: Pool,
        transport: httpx.AsyncBaseTransport,
        offload: Offload,
        metrics: GatewayMetrics,
    ) -> None:
        self._settings = settings
        self._pool = pool
        self._transport = transport
        self._offload = offload
        self._metrics = metrics
        self._retries = Budget(settings.retry_budget_ratio, settings.retry_budget_per_second, time.monotonic)
        self._hedges = Budget(settings.hedge_ratio, 0.0, time.monotonic)
        self._lateness = Lateness()

    async def deliver(self, part: Part[_T], deadline: float, patience: float) -> Delivered[_T]:
        """The part's result, by as many attempts as it takes until `deadline` (monotonic clock).

        While no worker at all is ready it waits `patience` seconds for one.
        Raises a worker's 415 or 422, `DecoderCrash`, `DeadlineExceeded`, `Overloaded`, `NoWorker`, or
        `Unavailable` where the last worker went while it had the part.
        """
        progress = _Progress(deadline, patience)
        self._metrics.parts.inc()
        self._retries.deposit()
        self._hedges.deposit()
        while True:
            try:
                return await self._hedged(part, progress)
            except AttemptError as exc:
                await self._before_retry(exc, progress)
                self._metrics.retries.inc()

    async def _worker(self, progress: _Progress) -> Worker:
        """A worker for the next attempt, if possible one that was not tried yet; a suspect has it alone."""
        patience = self._settings.worker_patience_seconds if progress.failures else progress.patience
        give_up = min(time.monotonic() + patience, progress.deadline)
        while True:
            worker = await self._lone(progress) if progress.is_suspect else self._pool.take(progress.tried)
            if worker is not None:
                return worker
            if self._pool.ready:  # all are kept for suspects
                if progress.left <= 0:
                    raise DeadlineExceeded("no worker came free in time")
            elif time.monotonic() >= give_up:
                if progress.failures:  # perhaps of this part's making: it must not be tried anywhere else
                    raise Unavailable(f"no worker is left: {progress.failures[-1]}")
                raise NoWorker(f"none of {self._pool.known} workers is ready")
            await asyncio.sleep(_PAUSE_SECONDS)

    async def _lone(self, progress: _Progress) -> Worker | None:
        """A worker that ended what it had and gets nothing else; None if there is none, or it went away."""
        worker = self._pool.isolate(progress.tried)
        if worker is None:
            return None
        is_free = False
        try:
            while worker.in_flight and worker in self._pool.ready and progress.left > 0:
                await asyncio.sleep(_PAUSE_SECONDS)
            is_free = not worker.in_flight
        finally:
            if not is_free:
                self._pool.release(worker)
        if not is_free:
            return None
        self._pool.begin(worker)
        return worker

    async def _before_retry(self, failure: AttemptError, progress: _Progress) -> None:
        """Decide whether another attempt may follow, and wait until it may."""
        if progress.left <= 0:
            if isinstance(failure, BusyError):
                raise Overloaded("every worker was busy until the deadline") from failure
            raise DeadlineExceeded(f"no worker answered in time: {failure}") from failure
        if isinstance(failure, NotSentError):
            return
        if isinstance(failure, BusyError):
            progress.refusals += 1
            await asyncio.sleep(min(_PAUSE_SECONDS * 2**progress.refusals, _LONGEST_PAUSE_SECONDS))
            return
        progress.failures.append(failure.with_traceback(None))  # whose frames hold this list, and the image
        full = sum(isinstance(f, FullError) for f in progress.failures)
        if full >= _MOST_FAILURES and isinstance(failure, FullError):
            raise failure.problem
        for kind, problem in ((SentNoAnswerError, DecoderCrash), (BadAnswerError, Internal)):
            if sum(isinstance(f, kind) for f in progress.failures) >= _MOST_FAILURES:
                raise problem(f"{_MOST_FAILURES} workers in turn: {failure}") from failure
        if self._retries.withdraw():
            return
        self._metrics.budget_exhausted.inc()
        while progress.left > 0 and not self._retries.withdraw():
            await asyncio.sleep(_PAUSE_SECONDS)  # time alone refills the budget

    async def _hedged(self, part: Part[_T], progress: _Progress) -> Delivered[_T]:
        hedge_begun, hedge_won = False, False

        async def as_hedge() -> Delivered[_T]:
            nonlocal hedge_won
            delivered = await self._try(part, progress, is_hedge=True)
            hedge_won = True
            return delivered

        def other() -> Coroutine[None, None, Delivered[_T]] | None:
            nonlocal hedge_begun
            if progress.is_suspect or len(self._pool.ready) < 2 or not self._hedges.withdraw():
                return None
            hedge_begun = progress.hedged = True
            return as_hedge()

        late = self._lateness.after(part.kind, part.pixels)
        try:
            delivered = await hedged(lambda: self._try(part, progress), other, late)
        finally:
            if hedge_begun:
                self._metrics.hedged(won=hedge_won)
        if progress.given_up is not None:
            self._pool.beaten(progress.given_up)
        return delivered

    async def _try(self, part: Part[_T], progress: _Progress, *, is_hedge: bool = False) -> Delivered[_T]:
        """One attempt on one worker, and what pool and metrics learn from it."""
        worker = await self._worker(progress)
        progress.attempts += 1
        progress.tried.append(worker)
        outcome, started = AttemptOutcome.CANCELLED, time.monotonic()
        try:
            answer = await self._asked(part, progress, worker, is_hedge=is_hedge)
            value = await self._verified(part, answer)
            outcome = AttemptOutcome.OK
        except Problem:
            outcome = AttemptOutcome.JUDGED
            self._pool.answered(worker)
            raise
        except AttemptError as exc:
            outcome = exc.outcome
            _log(part.request, worker, exc)
            if not isinstance(exc, (BusyError, FullError)):
                self._pool.failed(worker, gone=isinstance(exc, NotSentError))
            raise
        finally:
            self._metrics.attempted(outcome)
        self._pool.answered(worker)
        usual = self._lateness.usual(part.kind, part.pixels)
        if usual:
            self._pool.took(worker, (answer.ended - started) / usual)
        self._lateness.add(part.kind, part.pixels, answer.ended - started)
        return Delivered(value, answer, worker.ordinal, started, progress.attempts, progress.hedged)

    async def _asked(self, part: Part[_T], progress: _Progress, worker: Worker, *, is_hedge: bool) -> Answer:
        """Its answer; the worker is free again then, however that ended."""
        suspect = progress.is_suspect
        try:
            return await attempt(
                self._transport,
                worker.url,
                part.request,
                self._seconds(part, progress),
                functools.partial(self._pool.heard, worker),
                new_connection=suspect,
            )
        except asyncio.CancelledError:
            if not is_hedge:
                progress.given_up = worker
            raise
        finally:
            self._pool.ended(worker)
            if suspect:
                self._pool.release(worker)

    async def _verified(self, part: Part[_T], answer: Answer) -> _T:
        try:
            return await self._offload(functools.partial(part.verify, answer.body), len(answer.body))
        except MalformedImage as exc:
            raise BadAnswerError(exc.detail) from exc

    def _seconds(self, part: Part[_T], progress: _Progress) -> float:
        """How long this attempt may take."""
        own = self._settings.attempt_base_seconds + part.pixels / 1e6 * self._settings.seconds_per_megapixel
        return max(min(own * part.weight, progress.left), 0.001)
