"""`python -m bench.folder`: `grisaille convert` on a folder of photos, beside bare clients.

Both send the same files to the same service, as many at a time, in turn. The clients have the files in memory
and drop the answers; the command starts Python, reads, uploads, writes and renames. Both are timed from their
beginning to their end.
"""

from __future__ import annotations

import itertools
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import click

from bench import mosaic, results
from bench.client import Client
from bench.machine import machine
from bench.processes import OthersMeter
from bench.server import serving
from bench.tables import at_least, print_table

_SIZE = (4000, 3000)
_DISTINCT = 8
_LEAST = 0.9
_CLIENTS, _COMMAND = "clients", "grisaille convert"


@click.command()
@click.option("--photos", default=200, show_default=True, type=click.IntRange(1))
@click.option("--rounds", default=3, show_default=True, type=click.IntRange(1))
@click.option("--workers", default=os.cpu_count() or 1, type=click.IntRange(1))
@click.option("--in-flight", default=6, show_default=True, type=click.IntRange(1))
@click.option("--output", type=click.Path(dir_okay=False, path_type=Path), help="JSON file to write.")
def main(photos: int, rounds: int, workers: int, in_flight: int, output: Path | None) -> None:
    """Measure both, in turn."""
    before = machine()
    seconds: dict[str, list[float]] = {_CLIENTS: [], _COMMAND: []}
    others = OthersMeter()
    with tempfile.TemporaryDirectory() as name, serving(workers) as server:
        folder = Path(name)
        files = _filled(folder / "in", photos)
        _ask_all(server.port, files[: 2 * in_flight], in_flight)  # the first are slower
        with others.running():
            for _ in range(rounds):
                seconds[_CLIENTS].append(_ask_all(server.port, files, in_flight))
                seconds[_COMMAND].append(_convert(server.port, folder, photos, in_flight))
        size = sum(file.stat().st_size for file in files)
    rates = {who: photos / statistics.median(took) for who, took in seconds.items()}
    print(f"\n{photos} photos of {_SIZE[0]} x {_SIZE[1]}, {size / 1e6:.0f} MB, {in_flight} in flight\n")
    print_table(
        ["", "photos/s, median", "seconds, each round"],
        (
            [who, f"{rates[who]:.2f}", ", ".join(f"{one:.2f}" for one in took)]
            for who, took in seconds.items()
        ),
    )
    print(f"\nothers used {others.cores} cores meanwhile\n")
    print(
        at_least("the command's share of the clients' throughput", _LEAST, rates[_COMMAND] / rates[_CLIENTS])
    )
    content = {
        "photos": {"count": photos, "width": _SIZE[0], "height": _SIZE[1], "bytes": size},
        "workers": workers,
        "in_flight": in_flight,
        "others_cores": others.cores,
        "seconds": seconds,
    }
    click.echo(f"\nwritten: {results.write('bench.folder', before, content, output).name}", err=True)


def _filled(folder: Path, photos: int) -> list[Path]:
    """So many files of a few different pictures, pieces of the mosaic, in turn."""
    folder.mkdir()
    files = [folder / f"{index:04}.jpg" for index in range(photos)]
    picture = mosaic.mosaic()
    for index, file in enumerate(files[:_DISTINCT]):
        left, top = (
            index * (size - side) // _DISTINCT for size, side in zip(mosaic.SIZE, _SIZE, strict=True)
        )
        picture.crop((left, top, left + _SIZE[0], top + _SIZE[1])).save(file, quality=mosaic.QUALITY)
    for file, made in zip(files[_DISTINCT:], itertools.cycle(files[:_DISTINCT]), strict=False):
        shutil.copyfile(made, file)
    return files


def _ask_all(port: int, files: Sequence[Path], in_flight: int) -> float:
    """Seconds of bare clients, each taking the next file when it has an answer."""
    bodies = {file: file.read_bytes() for file in files}
    waiting = iter(files)

    def ask() -> None:
        with Client(port) as client:
            for file in waiting:  # a list's iterator may be shared by threads
                client.convert(bodies[file], "jpeg")

    with ThreadPoolExecutor(in_flight) as pool:
        begin = time.perf_counter()
        for one in [pool.submit(ask) for _ in range(in_flight)]:
            one.result()
        return time.perf_counter() - begin


def _convert(port: int, folder: Path, photos: int, in_flight: int) -> float:
    """Seconds of the command, start and end of its process included; all results must be there."""
    url, out = f"http://127.0.0.1:{port}", folder / "out"
    command = [sys.executable, "-m", "grisaille", "convert", str(folder / "in"), "--output", str(out)]
    begin = time.perf_counter()
    subprocess.run([*command, "--server", url, "--jobs", str(in_flight)], check=True)
    took = time.perf_counter() - begin
    done = sum(1 for _ in out.iterdir())
    if done != photos:
        raise click.ClickException(f"{done} results of {photos}")
    shutil.rmtree(out)
    return took


if __name__ == "__main__":
    main()
