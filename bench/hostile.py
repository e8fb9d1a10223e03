"""`python -m bench.hostile`: damaged files and bombs against the running service, until one hurts.

Every file of a folder (the corpus) is damaged so many times, and each damaged file is sent with several
stripe counts where its format can be cut. Counted are answers, times, verdicts that depend on the stripes,
the memory above idle, and workers that are not the ones that were started. Linux only: reads /proc.
"""

from __future__ import annotations

import http.client
import io
import statistics
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

import click
from PIL import Image

from bench import bombs
from bench.mutations import drawn
from bench.processes import memory, runs_module, tree
from bench.server import serving
from bench.tables import print_table

_WORKERS = 2
_STRIPES = (1, 2, 3, 7, 16)
_CUT = {".jpg", ".jpeg", ".mpo", ".tif", ".tiff"}
_TIMEOUT_SECONDS = 60.0
_BOMBS_INTO = ("png", "jpeg", "tiff")
"""Some go off in one of them alone; told is the worst status, then the longest time."""
_NOTICES = ("LICENSE", "README")


@dataclass(slots=True)
class Tally:
    """What came back for files of one kind."""

    files: int = 0
    statuses: Counter[int] = field(default_factory=Counter)
    seconds: list[float] = field(default_factory=list)
    disagreements: int = 0
    """Damaged files whose verdict was not the same for all stripe counts."""
    broken: int = 0
    """Answers of 200 that do not decode."""

    def row(self, name: str) -> list[str]:
        """As a line of the table."""
        refused = sum(count for status, count in self.statuses.items() if 400 <= status < 500)
        others = sum(self.statuses.values()) - self.statuses[200] - refused
        percentiles = statistics.quantiles(self.seconds, n=100)
        times = [statistics.median(self.seconds), percentiles[98], max(self.seconds)]
        counts = [self.files, len(self.seconds), self.statuses[200], refused, others]
        return [
            name,
            *(f"{count:,}" for count in (*counts, self.disagreements, self.broken)),
            *(f"{1e3 * t:.0f}" for t in times),
        ]


_HEAD = (
    *("files", "damaged files", "requests", "200", "4xx", "other", "verdict differs", "200 but broken"),
    *("median ms", "p99 ms", "max ms"),
)


@click.command()
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--mutations", default=100, show_default=True, type=click.IntRange(1), help="Of each file.")
@click.option("--seed", default=1, show_default=True, type=int, help="Of the mutations.")
def main(folder: Path, mutations: int, seed: int) -> None:
    """Damage every file of FOLDER and print what the service makes of it."""
    if sys.platform != "linux":
        raise click.ClickException("this measurement reads /proc, which only Linux has")
    files = sorted(p for p in folder.rglob("*.*") if p.is_file() and not p.name.startswith(_NOTICES))
    with serving(_WORKERS) as server:
        pids, idle = _services(server.pid), _resident(server.pid)
        peak, tallies = 0, dict[str, Tally]()
        for number, path in enumerate(files):
            tally = tallies.setdefault(path.parent.name, Tally())
            for damaged in _damaged(path, mutations, seed + number):
                _try(server.port, damaged, _STRIPES if path.suffix in _CUT else (1,), tally)
            peak = max(peak, _resident(server.pid) - idle)
        print_table(_HEAD, [tally.row(name) for name, tally in tallies.items()])
        print()
        print_table(("bomb", "bytes", "status", "problem", "ms"), _bombs(server.port))
        peak = max(peak, _resident(server.pid) - idle)
        same = _services(server.pid) == pids
    print(f"\nmemory above idle, all processes: {peak >> 20} MiB; the same workers to the end: {same}")


def _services(supervisor: int) -> set[int]:
    return {p for p in tree(supervisor) if runs_module(p, "worker") or runs_module(p, "gateway")}


def _resident(supervisor: int) -> int:
    """Bytes resident in gateway and workers, their peaks included."""
    return sum(memory(pid, "VmHWM") for pid in _services(supervisor))


def _damaged(path: Path, mutations: int, seed: int) -> Iterator[bytes]:
    data, random = path.read_bytes(), Random(seed)
    for _ in range(mutations):
        yield drawn(data, random)


def _try(port: int, data: bytes, stripes: tuple[int, ...], tally: Tally) -> None:
    tally.files += 1
    verdicts = set()
    for count in stripes:
        status, body, seconds = send(port, data, f"format=png&stripes={count}")
        tally.statuses[status] += 1
        tally.seconds.append(seconds)
        tally.broken += status == http.client.OK and not _decodes(body)
        verdicts.add(status)
    tally.disagreements += len(verdicts) > 1


def send(port: int, data: bytes, query: str) -> tuple[int, bytes, float]:
    """Status, body and seconds of one conversion on a connection of its own."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_TIMEOUT_SECONDS)
    begin = time.perf_counter()
    try:
        connection.request("POST", f"/convert?{query}", body=data)
        answer = connection.getresponse()
        body = answer.read()
    finally:
        connection.close()
    return answer.status, body, time.perf_counter() - begin


def _decodes(body: bytes) -> bool:
    try:
        with Image.open(io.BytesIO(body)) as image:
            image.load()
    except (OSError, SyntaxError, ValueError):
        return False
    return True


def _bombs(port: int) -> Iterator[list[str]]:
    for name, data in bombs.all_of_them().items():
        answers = [send(port, data, f"format={written}") for written in _BOMBS_INTO]
        status, body, seconds = max(answers, key=lambda answer: (answer[0], answer[2]))
        told = bombs.slug(body) if status != http.client.OK else "a picture"
        yield [name, f"{len(data):,}", str(status), told, f"{1e3 * seconds:.0f}"]


if __name__ == "__main__":
    main()
