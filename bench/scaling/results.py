"""Everything that was measured, and what follows from it."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field

from bench import columns
from bench.columns import Columns
from bench.scaling.baseline import Baseline
from bench.scaling.stack import Cpu
from bench.scaling.trial import Latency, Throughput


@dataclass(frozen=True, slots=True)
class Scaling:
    """One route with one quota of the gateway, by number of workers."""

    baseline: Baseline
    latency: dict[int, Latency] = field(default_factory=dict)
    throughput: dict[int, Throughput] = field(default_factory=dict)

    def speedup(self, workers: int) -> float:
        """Of one image, against one thread."""
        return self.baseline.seconds / self.latency[workers].seconds

    def flow_speedup(self, workers: int) -> float:
        """Of many images, against one thread."""
        return self.baseline.seconds * self.throughput[workers].per_second

    def flow_efficiency(self, workers: int) -> float:
        """Images per second and worker, against those with one worker."""
        return self.throughput[workers].per_second / workers / self.throughput[1].per_second

    @property
    def cost(self) -> int | None:
        """The fewest workers, of those measured, that beat one thread; None if none did.

        McSherry, Isard and Murray, Scalability! But at what COST?, HotOS 2015.
        """
        return next((n for n in sorted(self.latency) if self.speedup(n) > 1), None)

    def columns(self) -> dict[int, Columns]:
        """The predecessor's table."""
        return {n: columns.average(one.series.runs) for n, one in self.latency.items()}


def document(found: Scaling) -> dict[str, object]:
    """For a JSON file."""
    return {
        "one_thread": {
            "all_ms": [round(ms) for ms in found.baseline.all_ms],
            "cpu_seconds": round(found.baseline.cpu_seconds, 4),
        },
        "cost": found.cost,
        "columns": columns.document(found.columns()),
        "latency": {str(n): _latency(found, n) for n in found.latency},
        "throughput": {str(n): _throughput(found, n) for n in found.throughput},
    }


def _latency(found: Scaling, workers: int) -> dict[str, object]:
    one = found.latency[workers]
    return {
        "all_ms": [round(run.ms) for run in one.series.runs],
        "speedup": round(found.speedup(workers), 3),
        "cpu_seconds_per_image": _cpu(one.cpu),
        "server_timing": one.series.typical.stages,
        "plan": one.series.typical.plan,
    }


def _throughput(found: Scaling, workers: int) -> dict[str, object]:
    one = found.throughput[workers]
    return {
        "images": one.images,
        "seconds": round(one.seconds, 2),
        "speedup": round(found.flow_speedup(workers), 3),
        "efficiency": round(found.flow_efficiency(workers), 3),
        "cpu_seconds_per_image": _cpu(one.cpu),
    }


def _cpu(cpu: Cpu) -> dict[str, float]:
    return {name: round(seconds, 4) for name, seconds in asdict(cpu).items()}
