"""`python -m bench.predecessor`: the predecessor's table, for it and for Grisaille, on this machine."""

from __future__ import annotations

import contextlib
import functools
import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

import click

from bench import columns, mosaic, results, rivals
from bench.client import Client
from bench.columns import Columns
from bench.counts import Counts
from bench.machine import machine
from bench.measure import PixelCheck, measure
from bench.predecessor.start import predecessor
from bench.server import serving


@dataclass(frozen=True, slots=True)
class System:
    """What is measured."""

    name: str
    start: Callable[[int], AbstractContextManager[int]]
    """Starts it with so many workers and gives its port."""
    image: bytes
    expected: Sequence[bytes | memoryview]
    """A file with the pixels its result must have."""
    warmup: int
    """Requests before those that count: none where a cold start is lost among seconds."""


@click.command()
@click.option(
    "--stripes", default="1,4,8", show_default=True, type=Counts(), help="N: stripes, and a worker for each."
)
@click.option("--repeats", default=3, show_default=True, type=click.IntRange(1), help="Requests that count.")
@click.option("--output", type=click.Path(dir_okay=False, path_type=Path), help="JSON file to write.")
def main(stripes: tuple[int, ...], repeats: int, output: Path | None) -> None:
    """Measure both systems with a JPEG of 33 megapixels to PNG."""
    before = machine()
    tables = {system.name: _table(system, stripes, repeats) for system in _systems()}
    print(f"\n{columns.CAPTION}")
    columns.print_columns(f"The predecessor, {columns.PROVENANCE}", columns.PUBLISHED)
    for name, table in tables.items():
        columns.print_columns(f"{name}: this machine", table)
    documents = {name: columns.document(table) for name, table in tables.items()}
    content = {"inputs": results.inputs(), "tables": documents}
    path = results.write("bench.predecessor", before, content, output)
    click.echo(f"\nwritten: {path.name}", err=True)


def _systems() -> list[System]:
    jpeg, marked = mosaic.jpeg(), mosaic.jpeg_with_markers()
    ours = rivals.one_thread("png")
    return [
        System("The predecessor, written anew", predecessor, jpeg, rivals.pillow("png")(jpeg), 0),
        System("Grisaille, JPEG without restart markers", _grisaille, jpeg, ours(jpeg), 2),
        System("Grisaille, JPEG with restart markers", _grisaille, marked, ours(marked), 2),
    ]


@contextlib.contextmanager
def _grisaille(workers: int) -> Iterator[int]:
    with serving(workers) as server:
        yield server.port


def _table(system: System, counts: Sequence[int], repeats: int) -> dict[int, Columns]:
    check = PixelCheck(system.expected)
    table = {}
    for count in counts:
        click.echo(f"{system.name}, N = {count} ...", err=True)
        table[count] = _row(system, count, repeats, check)
    return table


def _row(system: System, count: int, repeats: int, check: PixelCheck) -> Columns:
    with system.start(count) as port, Client(port) as client:
        asked = functools.partial(client.convert, system.image, "png")
        route = measure({"": asked}, check, frozenset({""}), repeats, system.warmup, others=math.inf)
    return columns.average(route.series[""].runs)


if __name__ == "__main__":
    main()
