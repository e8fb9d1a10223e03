"""`python -m bench`: every route through real HTTP, beside one thread of ours, Pillow and libvips."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Iterator, Mapping
from pathlib import Path

import click

from bench import mosaic, report, results, rivals
from bench.client import Client
from bench.machine import machine
from bench.measure import Contender, Outcome, PixelCheck, measure
from bench.rivals import Convert
from bench.server import serving

_ROUTES = tuple(f"{source}-{written}" for source in mosaic.INPUTS for written in ("png", "jpeg"))
_WORKERS = {report.ONE: 1, report.TWO: 2}


@click.command()
@click.option("--repeats", default=7, show_default=True, type=click.IntRange(1), help="Runs that count.")
@click.option("--warmup", default=2, show_default=True, type=click.IntRange(1), help="Runs before them.")
@click.option(
    "--routes",
    multiple=True,
    type=click.Choice(_ROUTES),
    help="Only these; `rst` is a JPEG with restart markers. The result is then kept only with --output.",
)
@click.option(
    "--slots", default=1, show_default=True, type=click.IntRange(0), help="Per worker; 0: one per CPU."
)
@click.option(
    "--others", default=0.1, show_default=True, help="Cores others may use before a round is run again."
)
@click.option("--output", type=click.Path(dir_okay=False, path_type=Path), help="JSON file to write.")
def main(
    repeats: int, warmup: int, routes: tuple[str, ...], slots: int, others: float, output: Path | None
) -> None:
    """Measure the service beside one thread of its own pipeline, Pillow and libvips."""
    chosen = tuple(dict.fromkeys(routes)) or _ROUTES
    images = {source: make() for source, make in mosaic.INPUTS.items()}
    before = machine()  # now: the load average is still that of others
    measured = {}
    how = functools.partial(measure, repeats=repeats, warmup=warmup, others=others)
    with _clients(slots) as clients:
        for route in chosen:
            click.echo(f"{route} ...", err=True)
            measured[route] = how(*_contest(route, images, clients))
    report.print_all(measured)
    if output is not None or not routes:
        content = {"inputs": results.inputs(), "routes": report.document(measured)}
        click.echo(f"\nwritten: {results.write('bench', before, content, output).name}", err=True)


@contextlib.contextmanager
def _clients(slots: int) -> Iterator[dict[str, Client]]:
    """Connections to services with one and with two workers; those that are not asked cost nothing."""
    with contextlib.ExitStack() as stack:
        yield {
            name: stack.enter_context(Client(stack.enter_context(serving(workers, slots)).port))
            for name, workers in _WORKERS.items()
        }


def _contest(
    route: str, images: Mapping[str, bytes], clients: Mapping[str, Client]
) -> tuple[dict[str, Contender], PixelCheck, frozenset[str]]:
    """Who converts on this route, what the result must be, and whose is checked: the services'."""
    source, _, written = route.partition("-")
    image = images[source]
    served = {name: functools.partial(client.convert, image, written) for name, client in clients.items()}
    local = {name: functools.partial(_local, convert, image) for name, convert in _rivals(written).items()}
    return {**served, **local}, PixelCheck(rivals.one_thread(written)(image)), frozenset(clients)


def _rivals(written: str) -> dict[str, Convert]:
    found = {
        report.THREAD: rivals.one_thread(written),
        report.PILLOW: rivals.pillow(written),
        report.VIPS: rivals.vips(written),
    }
    if written == "png":
        found[report.VIPS_FAST] = rivals.vips_fast(written)
    return found


def _local(convert: Convert, image: bytes) -> Outcome:
    return Outcome(convert(image))


if __name__ == "__main__":
    main()
