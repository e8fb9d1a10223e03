"""The gateway's metrics, all of them. docs/metrics.md is made from here."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from gateway.admission import Admission, Shortage
from gateway.fanout.attempt import AttemptOutcome
from gateway.fanout.health import Ejection
from gateway.fanout.pool import Pool
from shared.contract import BATCH, CONVERT
from shared.plan import Kind
from shared.problems import KINDS, Overloaded, Problem

if TYPE_CHECKING:  # which counts its attempts here
    from gateway.fanout.delivery import Delivered
    from gateway.timing import Stages

OK, GONE = "ok", "client-gone"
_CLIENT, _OVERLOADED, _FAILED = "client-error", "overloaded", "failed"
OUTCOMES = (OK, GONE, _CLIENT, _OVERLOADED, _FAILED)
_NO_PLAN = "none"
ROUTES = (CONVERT, BATCH)
STAGES = ("receive", "queue", "split", "send", "work", "return", "merge", "respond")

_CLIENTS = {"receive", "respond"}

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 180.0)
"""From the fastest request measured (4 ms) to the deadline of the largest; 1 s is the latency objective."""
_STAGE_SECONDS = (
    0.0005,
    0.001,
    0.0025,
    0.005,
    0.01,
    0.025,
    0.05,
    0.1,
    0.25,
    0.5,
    1.0,
    2.5,
    5.0,
    10.0,
    30.0,
    60.0,
)
_STRIPES = (1, 2, 4, 8, 16, 32, 64)
_STRAGGLER = (1.0, 1.1, 1.25, 1.5, 2.0, 3.0, 5.0, 10.0)
_SPEEDUP = (0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 8.0, 12.0, 16.0, 32.0)
_UPLOAD = tuple(float(1 << power) for power in range(14, 30, 2))


class GatewayMetrics:
    """Metrics on a registry of the caller's. Every label has its values from the start."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._registry = registry
        counter, histogram = self._counter, self._histogram
        self._requests = counter(
            "requests",
            "Requests, and the files of batches, by outcome: ok, client-gone or the slug of a problem.",
            *("route", "outcome"),
        )
        self._request_seconds = histogram(
            "request_seconds",
            "From the first byte of a request to the last of its answer.",
            _SECONDS,
            *("route", "plan", "outcome"),
        )
        self._service_seconds = histogram(
            "service_seconds",
            "The part of it that is ours, of requests that went well: without receive and respond, "
            "which are the client's line.",
            _SECONDS,
        )
        self._stage_seconds = histogram(
            "stage_seconds",
            "Stages of the requests that went well, one after the other: they add up to request_seconds. "
            "send, work and return are those of the part that ended last.",
            _STAGE_SECONDS,
            "stage",
        )
        self._stripes = histogram("request_stripes", "Parts of a request.", _STRIPES)
        self._straggler = histogram(
            "straggler_ratio", "Slowest part of a request beside the median one.", _STRAGGLER
        )
        self._speedup = histogram(
            "speedup_ratio", "Time on workers, all parts together, beside that of the request.", _SPEEDUP
        )
        self._upload_bytes = histogram("upload_bytes", "Sizes of uploads.", _UPLOAD)
        self._result_bytes = counter("result_bytes", "Bytes of results.")
        self._pixels = counter("pixels", "Pixels of the pictures that were converted.")
        self._refused = counter("refused", "Requests refused as overload, by what was short.", "shortage")
        self._attempts = counter("attempts", "Attempts on workers by outcome.", "outcome")
        self.parts = counter("parts", "Parts that were to be delivered.")
        self.retries = counter("retries", "Attempts after one that failed.")
        self.budget_exhausted = counter(
            "retry_budget_exhausted", "Retries that had to wait since the budget of retries was used up."
        )
        self._hedges = counter(
            "hedges", "Second attempts for parts that were late, by who answered first.", "result"
        )
        self._ejections = counter("ejections", "Workers put out for a while, by reason.", "reason")
        self._gauges()
        self._begin()

    def _counter(self, name: str, what: str, *labels: str) -> Counter:
        return Counter(f"grisaille_gateway_{name}", what, labels, registry=self._registry)

    def _gauge(self, name: str, what: str, *labels: str) -> Gauge:
        return Gauge(f"grisaille_gateway_{name}", what, labels, registry=self._registry)

    def _histogram(self, name: str, what: str, buckets: Sequence[float], *labels: str) -> Histogram:
        name = f"grisaille_gateway_{name}"
        return Histogram(name, what, labels, buckets=buckets, registry=self._registry)

    def _gauges(self) -> None:
        gauge = self._gauge
        self._workers = gauge("workers", "Workers by state.", "state")
        self._bytes_held = gauge("held_bytes", "Bytes of uploads and results, those still expected included.")
        self._bytes_limit = gauge("held_bytes_limit", "Most of them.")
        self._conversions = gauge("conversions", "Conversions under way.")
        self._conversions_limit = gauge(
            "conversions_limit", "Most of them: so many for each slot of the workers."
        )

    def _begin(self) -> None:
        """Every series is there before its first event, so that rates see the first one."""
        plans = [
            *((plan, OK) for plan in Kind),
            *((_NO_PLAN, outcome) for outcome in OUTCOMES if outcome != OK),
        ]
        for route in ROUTES:
            for slug in (OK, GONE, *KINDS):
                self._requests.labels(route, slug)
            for plan, outcome in plans:
                self._request_seconds.labels(route, plan, outcome)
        self._stage = {stage: self._stage_seconds.labels(stage) for stage in STAGES}
        self._attempt = {outcome: self._attempts.labels(outcome) for outcome in AttemptOutcome}
        for shortage in Shortage:
            self._refused.labels(shortage)
        for result in ("won", "lost"):
            self._hedges.labels(result)
        for reason in Ejection:
            self._ejections.labels(reason)

    def watch(self, pool: Pool, admission: Admission) -> None:
        """Read workers and what is under way from these whenever metrics are collected."""
        self._workers.labels("known").set_function(lambda: pool.known)
        self._workers.labels("ready").set_function(lambda: len(pool.ready))
        self._workers.labels("ejected").set_function(lambda: pool.ejected)
        self._bytes_held.set_function(lambda: admission.bytes_held)
        self._bytes_limit.set_function(lambda: admission.bytes_limit)
        self._conversions.set_function(lambda: admission.conversions)
        self._conversions_limit.set_function(lambda: admission.conversions_limit)

    def answered(self, plan: Kind, took: Stages, parts: Sequence[Delivered[object]], route: str) -> None:
        """A picture was sent, after these stages."""
        seconds = took.total
        self._requests.labels(route, OK).inc()
        self._request_seconds.labels(route, plan, OK).observe(seconds)
        if route == CONVERT:
            self._took(took.seconds)
        if parts:
            taken = [part.answer.ended - part.started for part in parts]
            self._stripes.observe(len(parts))
            self._speedup.observe(sum(taken) / seconds)
            if len(parts) > 1:
                self._straggler.observe(max(taken) / median(taken))

    def _took(self, stages: Sequence[tuple[str, float]]) -> None:
        """Stages of a request on its own; the files of a batch wait for each other as a matter of course."""
        self._service_seconds.observe(sum(spent for name, spent in stages if name not in _CLIENTS))
        for name, spent in stages:
            self._stage[name].observe(spent)

    def converted(self, pixels: int, uploaded: int, result: int) -> None:
        """Sizes of a picture that was converted."""
        self._pixels.inc(pixels)
        self._upload_bytes.observe(uploaded)
        self._result_bytes.inc(result)

    def refused(self, problem: Problem, seconds: float, route: str) -> None:
        """A request, or a file of a batch, ended in a problem after so many seconds."""
        self._ended(problem.slug, _class(problem), seconds, route)

    def nobody_left(self, seconds: float, route: str) -> None:
        """The client went away."""
        self._ended(GONE, GONE, seconds, route)

    def _ended(self, slug: str, outcome: str, seconds: float, route: str) -> None:
        self._requests.labels(route, slug).inc()
        self._request_seconds.labels(route, _NO_PLAN, outcome).observe(seconds)

    def short_of(self, shortage: Shortage) -> None:
        """Something had no room."""
        self._refused.labels(shortage).inc()

    def attempted(self, outcome: AttemptOutcome) -> None:
        """An attempt ended."""
        self._attempt[outcome].inc()

    def hedged(self, *, won: bool) -> None:
        """A second attempt ended, before the first or not."""
        self._hedges.labels("won" if won else "lost").inc()

    def ejected(self, reason: Ejection) -> None:
        """A worker was put out."""
        self._ejections.labels(reason).inc()


def _class(problem: Problem) -> str:
    if isinstance(problem, Overloaded):
        return _OVERLOADED
    return _FAILED if problem.status >= 500 else _CLIENT
