"""`python -m bench.small`: what the service adds to a JPEG of one megapixel, beside doing it in process."""

from __future__ import annotations

import functools
import math
from pathlib import Path

import click

from bench import mosaic, results, rivals
from bench.client import Client
from bench.machine import machine
from bench.measure import Contender, Outcome, PixelCheck, Series, measure
from bench.server import serving
from bench.tables import at_most, print_table

_WORKERS = 2
_WARMUP = 20
_MOST_MS = 4.0
_SERVICE, _HERE = "service", "in process"


@click.command()
@click.option("--repeats", default=300, show_default=True, type=click.IntRange(1), help="Runs that count.")
@click.option("--output", type=click.Path(dir_okay=False, path_type=Path), help="JSON file to write.")
def main(repeats: int, output: Path | None) -> None:
    """Measure one keep-alive connection and the same conversion in this process, in turn."""
    before = machine()
    image = mosaic.small_jpeg()
    with serving(_WORKERS) as server, Client(server.port) as client:
        measured = {
            f"jpeg-{written}": _measured(client, image, written, repeats) for written in ("jpeg", "png")
        }
    print(f"\nA JPEG of one megapixel, {_WORKERS} workers: milliseconds, median (fastest)\n")
    print_table(["route", _SERVICE, _HERE, "added"], ([r, *_cells(x)] for r, x in measured.items()))
    print()
    for route, series in measured.items():
        print(at_most(f"{route}, one megapixel, ms added,", _MOST_MS, _added(series)))
    content = {
        "bytes": len(image),
        "routes": {route: _document(series) for route, series in measured.items()},
    }
    click.echo(f"\nwritten: {results.write('bench.small', before, content, output).name}", err=True)


def _measured(client: Client, image: bytes, written: str, repeats: int) -> dict[str, Series]:
    convert = rivals.one_thread(written)
    contenders: dict[str, Contender] = {
        _SERVICE: functools.partial(client.convert, image, written),
        _HERE: lambda: Outcome(convert(image)),
    }
    check = PixelCheck(convert(image))
    return measure(contenders, check, frozenset(contenders), repeats, _WARMUP, others=math.inf).series


def _added(series: dict[str, Series]) -> float:
    return series[_SERVICE].median - series[_HERE].median


def _cells(series: dict[str, Series]) -> list[str]:
    times = [f"{series[name].median:.2f} ({series[name].fastest:.2f})" for name in (_SERVICE, _HERE)]
    return [*times, f"{_added(series):.2f}"]


def _document(series: dict[str, Series]) -> dict[str, object]:
    return {
        "added_ms": round(_added(series), 2),
        "median_ms": {name: round(one.median, 2) for name, one in series.items()},
        "all_ms": {name: [round(run.ms, 2) for run in one.runs] for name, one in series.items()},
    }


if __name__ == "__main__":
    main()
