"""Runs every contender of a route in turn, round by round, and checks what the service answers.

The machine's noise hits all contenders alike: each round starts with the next one. Rounds
disturbed by other processes are repeated; what they measured plays no part in that.
"""

from __future__ import annotations

import hashlib
import io
import itertools
import statistics
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from PIL import Image

from bench.processes import OthersMeter

_MOST_TURNS = 4
"""Rounds at most, for each that is asked for."""


class MismatchError(RuntimeError):
    """The service's pixels are not those of the one definition."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """A grey image file and, from the service, how it came about."""

    pieces: Sequence[bytes | memoryview]
    stages: str = ""
    """`Server-Timing`."""
    plan: str = ""
    """`X-Grisaille-Plan`."""

    @property
    def size(self) -> int:
        """Bytes."""
        return sum(map(len, self.pieces))


Contender: TypeAlias = Callable[[], Outcome]


@dataclass(frozen=True, slots=True)
class Run:
    """One conversion."""

    ms: float
    size: int
    stages: str
    plan: str


@dataclass(frozen=True, slots=True)
class Series:
    """All conversions of one contender on one route."""

    warmup: list[Run]
    runs: list[Run]

    @property
    def median(self) -> float:
        """Milliseconds."""
        return statistics.median(run.ms for run in self.runs)

    @property
    def fastest(self) -> float:
        """Milliseconds."""
        return min(run.ms for run in self.runs)

    @property
    def typical(self) -> Run:
        """The run in the middle."""
        return sorted(self.runs, key=lambda run: run.ms)[(len(self.runs) - 1) // 2]


@dataclass(frozen=True, slots=True)
class Route:
    """All contenders on one route."""

    series: dict[str, Series]
    others: float
    """Cores that processes outside the measurement used meanwhile, on average."""
    rounds: int
    """How many it took to find the quiet ones."""


@dataclass(frozen=True, slots=True)
class _Round:
    """Every contender once."""

    runs: dict[str, Run]
    others: float


class PixelCheck:
    """Compares files with the pixels of a reference; a file that was seen before is not decoded again."""

    def __init__(self, reference: Iterable[bytes | memoryview]) -> None:
        self._pixels = _pixels(b"".join(reference))
        self._seen: set[bytes] = set()

    def __call__(self, pieces: Iterable[bytes | memoryview]) -> None:
        """Raise `MismatchError` if the pixels differ."""
        file = b"".join(pieces)
        name = hashlib.sha256(file).digest()
        if name not in self._seen and _pixels(file) != self._pixels:
            raise MismatchError("the service's result decodes to other pixels than the pipeline's own")
        self._seen.add(name)


def measure(
    contenders: Mapping[str, Contender],
    check: PixelCheck,
    checked: frozenset[str],
    repeats: int,
    warmup: int,
    others: float,
) -> Route:
    """Every contender, `repeats` times after `warmup` times; results of those in `checked` are compared.

    Rounds in which other processes used more than so many cores are run again, within bounds; the least
    disturbed count.
    """
    turns = (_round(contenders, turn, check, checked) for turn in itertools.count())
    before = list(itertools.islice(turns, warmup))
    rounds: list[_Round] = []
    while sum(one.others <= others for one in rounds) < repeats and len(rounds) < _MOST_TURNS * repeats:
        rounds.append(next(turns))
    kept = sorted(rounds, key=lambda one: one.others)[:repeats]
    series = {
        name: Series([one.runs[name] for one in before], [one.runs[name] for one in kept])
        for name in contenders
    }
    return Route(series, round(statistics.mean(one.others for one in kept), 2), len(rounds))


def _round(
    contenders: Mapping[str, Contender], turn: int, check: PixelCheck, checked: frozenset[str]
) -> _Round:
    names = list(contenders)
    first = turn % len(names)
    meter = OthersMeter()
    with meter.running():
        runs = {
            name: _timed(contenders[name], check if name in checked else None)
            for name in names[first:] + names[:first]
        }
    return _Round(runs, meter.cores)


def _timed(contender: Contender, check: PixelCheck | None) -> Run:
    begin = time.perf_counter()
    outcome = contender()
    ms = (time.perf_counter() - begin) * 1000
    if check is not None:
        check(outcome.pieces)
    return Run(ms, outcome.size, outcome.stages, outcome.plan)


def _pixels(file: bytes) -> tuple[str, tuple[int, int], bytes]:
    """Mode, size and a digest of the samples, as Pillow decodes them."""
    with Image.open(io.BytesIO(file)) as image:
        return image.mode, image.size, hashlib.sha256(image.tobytes()).digest()
