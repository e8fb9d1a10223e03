"""What speed-up is against: one good thread, no HTTP, with the quota of one worker."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
from dataclasses import dataclass

from bench.cgroups import group
from grisaille.processes import allocator


@dataclass(frozen=True, slots=True)
class Baseline:
    """One thread on one route."""

    all_ms: list[float]
    cpu_seconds: float
    """Per image."""

    @property
    def seconds(self) -> float:
        """Per image, the median."""
        return statistics.median(self.all_ms) / 1000


def baseline(route: str, repeats: int, cores: float) -> Baseline:
    """Measured in a process of its own, which has started and warmed up before it gets its quota."""
    command = [sys.executable, "-m", "bench.scaling.thread", route, str(repeats)]
    environment = os.environ | allocator()
    with (
        group("thread", cores) as limit,
        subprocess.Popen(
            command, env=environment, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        ) as process,
    ):
        try:
            assert process.stdin is not None
            assert process.stdout is not None
            process.stdout.readline()
            limit.add(process.pid)
            process.stdin.write("\n")
            process.stdin.flush()
            times = json.loads(process.stdout.readline())
            return Baseline(times, limit.cpu_seconds() / repeats)
        finally:
            process.kill()
