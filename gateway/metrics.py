"""The gateway's metrics, all of them."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from gateway.admission import Admission
from gateway.fanout import attempt
from gateway.fanout.pool import Pool
from shared.plan import Kind
from shared.problems import KINDS

_SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 180.0)
OK = "ok"


class GatewayMetrics:
    """Metrics on a registry of the caller's."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.requests = Counter(
            "grisaille_gateway_requests",
            "Conversions asked for, by outcome: ok or the slug of a problem.",
            ("outcome",),
            registry=registry,
        )
        for outcome in (OK, *KINDS):
            self.requests.labels(outcome)
        self.request_seconds = Histogram(
            "grisaille_gateway_request_seconds",
            "Time from the first byte of a request to its complete answer, by plan.",
            ("plan",),
            buckets=_SECONDS,
            registry=registry,
        )
        for kind in Kind:
            self.request_seconds.labels(kind)
        self.failed_attempts = Counter(
            "grisaille_gateway_failed_attempts",
            "Attempts on workers that brought no answer, by kind of failure.",
            ("failure",),
            registry=registry,
        )
        for failure in attempt.AttemptError.__subclasses__():
            self.failed_attempts.labels(failure.__name__)
        self._workers = Gauge("grisaille_gateway_workers", "Workers by state.", ("state",), registry=registry)
        self._bytes_held = Gauge(
            "grisaille_gateway_held_bytes",
            "Bytes of uploads and results, those still expected included.",
            registry=registry,
        )
        self._conversions = Gauge(
            "grisaille_gateway_conversions", "Conversions under way.", registry=registry
        )

    def watch(self, pool: Pool, admission: Admission) -> None:
        """Read workers and what is under way from these whenever metrics are collected."""
        self._workers.labels("known").set_function(lambda: pool.known)
        self._workers.labels("ready").set_function(lambda: len(pool.ready))
        self._workers.labels("ejected").set_function(lambda: pool.ejected)
        self._bytes_held.set_function(lambda: admission.bytes_held)
        self._conversions.set_function(lambda: admission.conversions)
