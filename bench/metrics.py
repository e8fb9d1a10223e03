"""`python -m bench.metrics`: what counting one request costs the gateway, in microseconds of CPU."""

from __future__ import annotations

import time
from statistics import median

import click
from prometheus_client import CollectorRegistry

from bench.tables import at_most
from gateway.fanout.attempt import Answer, AttemptOutcome
from gateway.fanout.delivery import Delivered
from gateway.metrics import STAGES, GatewayMetrics
from gateway.timing import Stages
from shared.contract import CONVERT
from shared.plan import Kind

_ROUNDS, _REQUESTS = 9, 2000
_MOST_MICROSECONDS = 50.0


def counted(metrics: GatewayMetrics, parts: list[Delivered[object]]) -> None:
    """All that is counted for a request of these parts."""
    for _ in parts:
        metrics.parts.inc()
        metrics.attempted(AttemptOutcome.OK)
    stages = Stages()
    for stage in STAGES:
        stages.end(stage)
    metrics.answered(Kind.STRIPES, stages, parts, CONVERT)
    metrics.converted(33_000_000, 9_000_000, 8_000_000)


@click.command()
@click.option("--parts", default=8, show_default=True)
def main(parts: int) -> None:
    """Count requests of so many parts."""
    answer = Answer(memoryview(b""), (), 1.0, 1.1, 1.2)
    delivered: list[Delivered[object]] = [
        Delivered(None, answer, worker, 1.0, 1, hedged=False) for worker in range(parts)
    ]
    metrics = GatewayMetrics(CollectorRegistry())
    taken = []
    for _ in range(_ROUNDS):
        begin = time.process_time()
        for _ in range(_REQUESTS):
            counted(metrics, delivered)
        taken.append((time.process_time() - begin) / _REQUESTS * 1e6)
    print(at_most(f"metrics of a request of {parts} parts, us of CPU", _MOST_MICROSECONDS, median(taken)))


if __name__ == "__main__":
    main()
