"""`python -m bench.scaling`: 1 to 8 workers with a tenth of a core each, beside one thread with as much."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import click

from bench import mosaic, results, rivals, throughput
from bench.cgroups import PERIOD_US, CgroupError
from bench.counts import Counts
from bench.machine import machine
from bench.measure import PixelCheck
from bench.scaling import report, trial
from bench.scaling.baseline import Baseline, baseline
from bench.scaling.picture import draw_scaling
from bench.scaling.results import Scaling, document
from bench.scaling.stack import SETTINGS, WORKER_CORES, Quotas, Stack, limited, running
from bench.scaling.trial import IN_FLIGHT, Task

_ROUTES = ("rst-png", "rst-jpeg", "jpeg-png", "jpeg-jpeg", "png-png")
_GATEWAY = (40, 10)
_PICTURE = Path(__file__).resolve().parents[2] / "docs/scaling.svg"


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


@click.command()
@click.option("--workers", default="1,2,4,8", show_default=True, type=Counts(), help="Numbers of workers.")
@click.option(
    "--gateway",
    multiple=True,
    default=_GATEWAY,
    show_default=True,
    type=click.IntRange(10, 100),  # the kernel's smallest quota is 1 ms, a tenth of our period
    help="The gateway's quota in per cent of a core.",
)
@click.option(
    "--routes",
    multiple=True,
    type=click.Choice(_ROUTES),
    help="Only these; `rst` is a JPEG with restart markers. The result is then kept only with --output.",
)
@click.option("--repeats", default=3, show_default=True, type=click.IntRange(1), help="Images one at a time.")
@click.option(
    "--images",
    default=6,
    show_default=True,
    type=click.IntRange(1),
    help=f"Images for each worker, {IN_FLIGHT} in flight.",
)
@click.option(
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    help="JSON file to write; the picture goes beside it instead of into the docs.",
)
def main(
    workers: tuple[int, ...],
    gateway: tuple[int, ...],
    routes: tuple[str, ...],
    repeats: int,
    images: int,
    output: Path | None,
) -> None:
    """Measure latency and throughput under the quotas of control groups (Linux, as root)."""
    if sys.platform != "linux":
        raise click.ClickException("quotas are those of control groups, which only Linux has")
    extent = Extent(workers, gateway, tuple(dict.fromkeys(routes)) or _ROUTES, repeats, images)
    before = machine()
    try:
        measured = _measured(extent)
    except CgroupError as exc:
        raise click.ClickException(str(exc)) from exc
    print(f"Quotas: each worker {WORKER_CORES:.0%} of a core, period {PERIOD_US // 1000} ms; client outside.")
    print("Settings:", ", ".join(f"{name}={value}" for name, value in SETTINGS.items()))
    print(f"\n{report.CAPTION}")
    for quota, found in measured.items():
        report.print_all(quota, found)
    if output is not None or not routes:
        _keep(before, measured, output)


def _measured(extent: Extent) -> dict[str, dict[str, Scaling]]:
    """By quota of the gateway, then by route."""
    tasks, baselines = {}, {}
    for route in extent.routes:
        _say(f"one thread, {route}")
        tasks[route] = _task(route)
        baselines[route] = baseline(route, extent.repeats, WORKER_CORES)
    _say(f"about {extent.seconds(baselines) / 60 + 1:.0f} minutes from now")
    measured = {
        f"gateway {percent} %": {route: Scaling(baselines[route]) for route in extent.routes}
        for percent in extent.gateway
    }
    for count in extent.workers:
        with running(count) as stack:
            _warm(stack, tasks)
            for percent, found in zip(extent.gateway, measured.values(), strict=True):
                with limited(stack, percent / 100) as quotas:
                    _say(f"{count} workers, gateway {percent} %")
                    _measure(stack, quotas, tasks, extent, found)
    return measured


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


def _keep(
    before: Mapping[str, object], measured: Mapping[str, Mapping[str, Scaling]], output: Path | None
) -> None:
    content = {
        "worker_cores": WORKER_CORES,
        "period_us": PERIOD_US,
        "settings": SETTINGS,
        "inputs": results.inputs(),
        "measured": {
            quota: {route: document(one) for route, one in found.items()} for quota, found in measured.items()
        },
    }
    path = results.write("bench.scaling", before, content, output)
    picture = output.with_suffix(".svg") if output else _PICTURE
    picture.write_text(draw_scaling(measured))
    _say(f"written: {path.name}, {picture.name}")


def _say(text: str) -> None:
    click.echo(text, err=True)


if __name__ == "__main__":
    main()
