"""`python -m bench.gigapixel`: 32000 x 32000 pixels through a gateway and two workers, and how much memory.

Linux only: reads /proc. A new service for each route, so that the resident peak (VmHWM) of each of its
processes is that of the route. The client streams from a file and into a file; results are compared with what
they must be, band by band.
"""

from __future__ import annotations

import http.client
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import click

from bench import results
from bench.client import AnswerError
from bench.giant import GIANTS, Giant, differing_rows
from bench.machine import machine
from bench.processes import memory, runs_module, tree
from bench.server import serving
from bench.tables import print_table

_WORKERS = 2
_LIMIT = 512 << 20
_TIMEOUT_SECONDS = 1800.0
_PIECE = 1 << 20
_EXTENSIONS = {"jpeg": "jpg", "png": "png", "tiff": "tif"}


@dataclass(frozen=True, slots=True)
class Seen:
    """One route: what went in, what came out, what it took."""

    route: str
    megabytes_in: float
    megabytes_out: float
    seconds: float
    plan: str
    stages: str
    peaks: dict[str, int]
    """MiB, the largest of each kind of process; others wait, or fork and run decoders."""
    wrong_rows: int


@click.command()
@click.option("--giant", "names", multiple=True, help="Only these inputs.")
@click.option("--format", "formats", multiple=True, default=("png", "jpeg", "tiff"), show_default=True)
@click.option("--output", type=click.Path(dir_okay=False, path_type=Path), help="JSON file to write.")
def main(names: tuple[str, ...], formats: tuple[str, ...], output: Path | None) -> None:
    """Convert each input to each format once."""
    if sys.platform != "linux":
        raise click.ClickException("this measurement reads /proc, which only Linux has")
    before = machine()
    seen = []
    for giant in (giant for giant in GIANTS if not names or giant.name in names):
        for written in formats:
            seen.append(_seen(giant, written))
            click.echo(f"{seen[-1].route}: {seen[-1].seconds:.1f} s, {seen[-1].peaks}", err=True)
    columns = list(dict.fromkeys(process for one in seen for process in one.peaks))
    head = ["route", "MB in", "MB out", "s", *(f"{column}, MiB" for column in columns), "wrong rows"]
    print_table(head, (_row(one, columns) for one in seen))
    path = results.write("bench.gigapixel", before, {"routes": [asdict(one) for one in seen]}, output)
    click.echo(f"\nwritten: {path.name}", err=True)
    if any(max(one.peaks.values()) << 20 > _LIMIT or one.wrong_rows for one in seen):
        raise click.ClickException("a process has more than 512 MiB, or a result is not right")


def _row(one: Seen, columns: list[str]) -> list[str]:
    peaks = (str(one.peaks.get(column, "")) for column in columns)
    sizes = (f"{one.megabytes_in:.0f}", f"{one.megabytes_out:.0f}", f"{one.seconds:.1f}")
    return [one.route, *sizes, *peaks, str(one.wrong_rows)]


def _seen(giant: Giant, written: str) -> Seen:
    path = giant.path()
    with tempfile.TemporaryDirectory() as folder, serving(_WORKERS) as server:
        result = Path(folder) / f"result.{_EXTENSIONS[written]}"
        begin = time.perf_counter()
        told = _converted(server.port, path, written, result)
        seconds = time.perf_counter() - begin
        peaks = _peaks(server.pid)
        return Seen(
            f"{giant.name} to {written}",
            path.stat().st_size / 1e6,
            result.stat().st_size / 1e6,
            round(seconds, 2),
            told["X-Grisaille-Plan"],
            told["Server-Timing"],
            peaks,
            differing_rows(result, *giant.expected(written)),
        )


def _converted(port: int, source: Path, written: str, result: Path) -> http.client.HTTPMessage:
    """Headers of the answer, whose body is in the file `result`."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_TIMEOUT_SECONDS, blocksize=_PIECE)
    with source.open("rb") as upload, result.open("wb") as file:
        size = {"Content-Length": str(source.stat().st_size)}
        connection.request("POST", f"/convert?format={written}", body=upload, headers=size)
        answer = connection.getresponse()
        if answer.status != http.client.OK:
            raise AnswerError(f"status {answer.status}: {answer.read(2000)!r}")
        while piece := answer.read(_PIECE):
            file.write(piece)
    connection.close()
    return answer.headers


def _peaks(supervisor: int) -> dict[str, int]:
    """The largest resident peak of each kind of process of a service, in MiB."""
    peaks = dict.fromkeys(("gateway", "worker", "other"), 0)
    for pid in tree(supervisor):
        kind = next((name for name in ("gateway", "worker") if runs_module(pid, name)), "other")
        peaks[kind] = max(peaks[kind], -(-memory(pid, "VmHWM") >> 20))
    return peaks


if __name__ == "__main__":
    main()
