"""`python -m bench.scaling`: 1 to 8 workers with a tenth of a core each, beside one thread with as much."""

from __future__ import annotations

import signal
import sys
from collections.abc import Mapping
from pathlib import Path

import click

from bench import results
from bench.cgroups import PERIOD_US, CgroupError
from bench.counts import Counts
from bench.machine import machine
from bench.scaling import report
from bench.scaling.picture import draw_scaling
from bench.scaling.results import Scaling, document
from bench.scaling.run import Extent, measured, say
from bench.scaling.stack import SETTINGS, WORKER_CORES
from bench.scaling.trial import IN_FLIGHT

_WORKERS = (1, 2, 4, 8)
_ROUTES = ("rst-png", "rst-jpeg", "jpeg-png", "jpeg-jpeg", "png-png")
_GATEWAY = (40, 10)
_PICTURE = Path(__file__).resolve().parents[2] / "docs/scaling.svg"


@click.command()
@click.option(
    "--workers", default=_WORKERS, show_default="1,2,4,8", type=Counts(), help="Numbers of workers."
)
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
    help="Only these; `rst` is a JPEG with restart markers.",
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
    help="JSON file to write, the picture beside it; without it a run of other workers, quotas or routes "
    "than the default is not kept.",
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
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that no group is left behind
    try:
        found = measured(extent)
    except CgroupError as exc:
        raise click.ClickException(str(exc)) from exc
    print(f"Quotas: each worker {WORKER_CORES:.0%} of a core, period {PERIOD_US // 1000} ms; client outside.")
    print("Settings:", ", ".join(f"{name}={value}" for name, value in SETTINGS.items()))
    print(f"\n{report.CAPTION}")
    for quota, by_route in found.items():
        report.print_all(quota, by_route)
    if output is not None or (workers, gateway, routes) == (_WORKERS, _GATEWAY, ()):
        _keep(before, found, output)


def _keep(
    before: Mapping[str, object], found: Mapping[str, Mapping[str, Scaling]], output: Path | None
) -> None:
    content = {
        "worker_cores": WORKER_CORES,
        "period_us": PERIOD_US,
        "settings": SETTINGS,
        "inputs": results.inputs(),
        "measured": {
            quota: {route: document(one) for route, one in routes.items()} for quota, routes in found.items()
        },
    }
    path = results.write("bench.scaling", before, content, output)
    picture = output.with_suffix(".svg") if output else _PICTURE
    picture.write_text(draw_scaling(found))
    say(f"written: {path.name}, {picture.name}")


if __name__ == "__main__":
    main()
