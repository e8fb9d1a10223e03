"""One run: every number of workers, every quota of the gateway, every route."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import click

from bench import mosaic, rivals, throughput
from bench.measure import PixelCheck
from bench.scaling import trial
from bench.scaling.baseline import Baseline, baseline
from bench.scaling.results import Scaling
from bench.scaling.stack import WORKER_CORES, Quotas, Stack, limited, running
from bench.scaling.trial import IN_FLIGHT, Task


@dataclass(frozen=True, slots=True)
class Extent:
    """How much is measured."""

    workers: tuple[int, ...]
    gateway: tuple[int, ...]
    """Per cent of a core."""
    routes: tuple[str, ...]
    repeats: int
    images: int

    def seconds(self, baselines: Mapping[str, Baseline]) -> float:
        """What it takes if the gateway adds nothing and no image is split, starting up left out."""
        turns = self.repeats + trial.WARMUP + self.images + trial.FIRST
        once = sum(one.seconds for one in baselines.values())
        return once * turns * len(self.workers) * len(self.gateway)


def measured(extent: Extent) -> dict[str, dict[str, Scaling]]:
    """By quota of the gateway, then by route."""
    tasks, baselines = {}, {}
    for route in extent.routes:
        say(f"one thread, {route}")
        tasks[route] = _task(route)
        baselines[route] = baseline(route, extent.repeats, WORKER_CORES)
    say(f"about {extent.seconds(baselines) / 60 + 1:.0f} minutes from now")
    found = {
        f"gateway {percent} %": {route: Scaling(baselines[route]) for route in extent.routes}
        for percent in extent.gateway
    }
    for count in extent.workers:
        with running(count) as stack:
            _warm(stack, tasks)
            for percent, routes in zip(extent.gateway, found.values(), strict=True):
                with limited(stack, percent / 100) as quotas:
                    say(f"{count} workers, gateway {percent} %")
                    _measure(stack, quotas, tasks, extent, routes)
    return found


def _task(route: str) -> Task:
    source, _, written = route.partition("-")
    image = mosaic.INPUTS[source]()
    return Task(image, written, PixelCheck(rivals.one_thread(written)(image)))


def _warm(stack: Stack, tasks: Mapping[str, Task]) -> None:
    """Let every worker convert some of everything."""
    count = len(stack.workers)
    for task in tasks.values():
        window = throughput.Window(count, count, lambda: None)
        throughput.run(stack.port, task.image, task.written, task.check, IN_FLIGHT, window)


def _measure(
    stack: Stack, quotas: Quotas, tasks: Mapping[str, Task], extent: Extent, found: Mapping[str, Scaling]
) -> None:
    count = len(stack.workers)
    for route, task in tasks.items():
        found[route].latency[count] = trial.latency(stack, quotas, task, extent.repeats)
    for route, task in tasks.items():
        found[route].throughput[count] = trial.flow(stack, quotas, task, extent.images)


def say(text: str) -> None:
    """How far it is."""
    click.echo(text, err=True)
