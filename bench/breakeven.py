"""`python -m bench.breakeven`: from which size on two workers do a JPEG faster in two stripes than whole.

What `shared.plan` decides without being asked stands beside it.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Iterator

import click

from bench import mosaic, rivals
from bench.client import Client
from bench.measure import Contender, PixelCheck, Series, measure
from bench.server import serving
from bench.tables import print_table

_WORKERS = 2
_WARMUP = 3
_MEGAPIXELS = (1, 2, 4, 8, 16)
_WHOLE, _STRIPES, _PLANNED = "whole", "two stripes", "as planned"
_ASKED = {_WHOLE: 1, _STRIPES: 2, _PLANNED: None}


@click.command()
@click.option("--repeats", default=25, show_default=True, type=click.IntRange(1), help="Runs that count.")
def main(repeats: int) -> None:
    """Measure JPEGs of several sizes whole and in two stripes, in turn."""
    with serving(_WORKERS) as server, Client(server.port) as client:
        rows = list(_rows(client, repeats))
    print(f"\n{_WORKERS} workers: milliseconds, median\n")
    print_table(["route", "megapixels", *_ASKED, "the plan"], rows)


def _rows(client: Client, repeats: int) -> Iterator[list[str]]:
    for source, markers in (("rst", True), ("jpeg", False)):
        for written in ("png", "jpeg"):
            for megapixels in _MEGAPIXELS:
                image = mosaic.part_as_jpeg(megapixels, markers=markers)
                series = _measured(client, image, written, repeats)
                medians = [f"{series[name].median:.1f}" for name in _ASKED]
                plan = series[_PLANNED].typical.plan.partition("reason=")[2]
                yield [f"{source}-{written}", str(megapixels), *medians, plan]


def _measured(client: Client, image: bytes, written: str, repeats: int) -> dict[str, Series]:
    contenders: dict[str, Contender] = {
        name: functools.partial(client.convert, image, written, stripes) for name, stripes in _ASKED.items()
    }
    check = PixelCheck(rivals.one_thread(written)(image))
    return measure(contenders, check, frozenset(contenders), repeats, _WARMUP, others=math.inf).series


if __name__ == "__main__":
    main()
