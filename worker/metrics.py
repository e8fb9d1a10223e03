"""The worker's metrics, all of them."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from shared.problems import KINDS

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
OK = "ok"
GONE = "client-gone"


class WorkerMetrics:
    """Metrics on a registry of the caller's."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.conversions = Counter(
            "grisaille_worker_conversions",
            "Conversions by outcome: ok, client-gone or the slug of a problem.",
            ("outcome",),
            registry=registry,
        )
        for outcome in (OK, GONE, *KINDS):
            self.conversions.labels(outcome)
        self.conversion_seconds = Histogram(
            "grisaille_worker_conversion_seconds",
            "Time a conversion spent in its slot.",
            buckets=_SECONDS,
            registry=registry,
        )
        self.queue_seconds = Histogram(
            "grisaille_worker_queue_seconds",
            "Time a conversion waited for a slot.",
            buckets=_SECONDS,
            registry=registry,
        )
        self.slots = Gauge("grisaille_worker_slots", "Slots of this worker.", registry=registry)
        self.kernel_cache_misses = Gauge(
            "grisaille_worker_kernel_cache_misses",
            "Kernels that this process had to compile because they were not in the cache.",
            registry=registry,
        )
        self.ready_time = Gauge(
            "grisaille_worker_ready_time_seconds",
            "When the worker became ready, in seconds since the epoch.",
            registry=registry,
        )
        self.running = Gauge("grisaille_worker_running", "Conversions in a slot now.", registry=registry)
