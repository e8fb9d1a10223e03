"""The predecessor's table: average send, process and receive, speed-up and efficiency for N workers."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass

from bench import stages
from bench.measure import Run
from bench.tables import print_table

CAPTION = """\
Average seconds of one request. Send: the upload, cutting it, handing all stripes on. Process: until the
last stripe's answer begins to come. Receive: taking answers, joining them, and all else until the client has
the image. Speed-up: the total at N = 1 divided by the total at N. Efficiency: speed-up divided by N."""
PROVENANCE = "as published: other pictures and machines, and its columns may have been cut elsewhere"
_HEAD = ("N", "average send, s", "process, s", "receive, s", "speed-up", "efficiency, %")
_SEND = ("receive", "queue", "split", "send")
_PROCESS = ("work",)


@dataclass(frozen=True, slots=True)
class Columns:
    """A request in three consecutive intervals, in seconds; they add up to what the client saw."""

    send: float
    process: float
    receive: float

    @property
    def total(self) -> float:
        """Seconds."""
        return self.send + self.process + self.receive


PUBLISHED: Mapping[int, Columns] = {
    1: Columns(0.3329, 1.8943, 3.1962),
    4: Columns(0.1456, 1.8282, 3.3011),
    8: Columns(0.0429, 1.9610, 3.5336),
}
"""The predecessor's own figures, of which speed-up and efficiency alone can be compared."""


def of(run: Run) -> Columns:
    """One request."""
    found = stages.parse(run.stages)
    send = sum(found.get(name, 0.0) for name in _SEND)
    process = sum(found.get(name, 0.0) for name in _PROCESS)
    return Columns(send / 1000, process / 1000, (run.ms - send - process) / 1000)


def average(runs: Iterable[Run]) -> Columns:
    """The mean of each column."""
    found = [of(run) for run in runs]
    return Columns(
        statistics.mean(one.send for one in found),
        statistics.mean(one.process for one in found),
        statistics.mean(one.receive for one in found),
    )


def speedup(table: Mapping[int, Columns], count: int) -> float:
    """How many times as fast as with one worker."""
    return table[1].total / table[count].total


def print_columns(title: str, table: Mapping[int, Columns]) -> None:
    """One system's table; it has a row for one worker."""
    print(f"\n{title}\n")
    print_table(_HEAD, ([str(count), *_cells(table, count)] for count in table))


def document(table: Mapping[int, Columns]) -> dict[str, dict[str, float]]:
    """One system's table for a JSON file."""
    return {
        str(count): {name: round(value, 4) for name, value in asdict(one).items()}
        | {"speedup": round(speedup(table, count), 3)}
        for count, one in table.items()
    }


def _cells(table: Mapping[int, Columns], count: int) -> list[str]:
    one, gain = table[count], speedup(table, count)
    times = [f"{value:.4f}" for value in (one.send, one.process, one.receive)]
    return [*times, f"{gain:.2f}", f"{100 * gain / count:.1f}"]
