"""How long one picture takes at a service, and how many a second are done with several in flight."""

from __future__ import annotations

import statistics
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass

from grisaille.answer import Converted, Plan
from grisaille.client import Client, Options

_LEAST = 3
"""Pictures each client asks for, however long they take."""


@dataclass(frozen=True, slots=True)
class Measurement:
    """What was seen; times in milliseconds."""

    sent: int
    """Bytes of the picture, and of its result."""
    received: int
    plan: Plan
    count: int
    """Pictures that were asked for one at a time."""
    fastest: float
    median: float
    slowest: float
    stages: Mapping[str, float]
    """Medians of the gateway's stages."""
    in_flight: int
    pictures_a_second: float

    @property
    def document(self) -> dict[str, object]:
        """As `--json` has it."""
        return asdict(self)

    @property
    def lines(self) -> list[str]:
        """For a person."""
        stages = ", ".join(f"{name} {ms:.1f}" for name, ms in self.stages.items())
        spread = f"median of {self.count}; {self.fastest:.1f} to {self.slowest:.1f}"
        rate, plan = self.pictures_a_second, self.plan
        up, down = (rate * size / 1e6 for size in (self.sent, self.received))
        return [
            f"one at a time: {self.median:.1f} ms ({spread})",
            f"  of it in the service, in ms: {stages}",
            f"  plan: {plan.kind}, stripes: {plan.stripes}, workers: {plan.workers} ({plan.reason})",
            f"{self.in_flight} in flight: {rate:.2f} pictures/s ({up:.1f} MB/s up, {down:.1f} MB/s down)",
        ]


@dataclass(frozen=True, slots=True)
class _Answer:
    began: float
    ended: float
    converted: Converted


def measure(client: Client, image: bytes, options: Options, in_flight: int, seconds: float) -> Measurement:
    """One at a time, then `in_flight` at a time, each for so long; raises `GrisailleError`."""
    client.convert(image, **options)  # the first opens connections and warms caches
    single = _ask(client, image, options, time.monotonic() + seconds)
    with ThreadPoolExecutor(in_flight) as pool:
        end = time.monotonic() + seconds
        asking = [pool.submit(_ask, client, image, options, end) for _ in range(in_flight)]
        ended = sorted(answer.ended for one in asking for answer in one.result())
    times = [1000 * (answer.ended - answer.began) for answer in single]
    timings = [answer.converted.timing for answer in single]
    return Measurement(
        sent=len(image),
        received=single[-1].converted.size,
        plan=single[-1].converted.plan,
        count=len(single),
        fastest=min(times),
        median=statistics.median(times),
        slowest=max(times),
        stages={name: statistics.median(timing.get(name, 0.0) for timing in timings) for name in timings[-1]},
        in_flight=in_flight,
        pictures_a_second=(len(ended) - 1) / (ended[-1] - ended[0]),
    )


def _ask(client: Client, image: bytes, options: Options, end: float) -> list[_Answer]:
    answers: list[_Answer] = []
    while len(answers) < _LEAST or time.monotonic() < end:
        began = time.monotonic()
        converted = client.convert(image, **options)
        answers.append(_Answer(began, time.monotonic(), converted))
    return answers
