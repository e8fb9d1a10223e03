"""The worker's metrics, all of them. docs/metrics.md is made from here."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import product

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from shared.codecs.formats import Format
from shared.problems import KINDS
from worker.stopwatch import Step

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
        self._step_seconds = Histogram(
            "grisaille_worker_step_seconds",
            "Steps of a conversion. receive: waiting for an upload that is converted while it comes in. "
            "decode: grey included; while steps overlap in threads, the time the encoder waited. "
            "recode: JPEG to JPEG without loss. pillow: all of it, in a child process.",
            ("step", "format"),
            buckets=_SECONDS,
            registry=registry,
        )
        for step, read in product(Step, Format):
            ours = {Format.JPEG} if step is Step.RECODE else {Format.JPEG, Format.PNG}
            if step in {Step.PILLOW, Step.RECEIVE} or read in ours:
                self._step_seconds.labels(step, read.name.lower())
        self._gauges(registry)

    def _gauges(self, registry: CollectorRegistry) -> None:
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
        self.queued = Gauge(
            "grisaille_worker_queued",
            "Conversions that wait for a slot, or for the rest of their upload, now.",
            registry=registry,
        )

    def stepped(self, read: Format, steps: Mapping[Step, float]) -> None:
        """A conversion of this format took so many seconds for each step."""
        for step, seconds in steps.items():
            self._step_seconds.labels(step, read.name.lower()).observe(seconds)
