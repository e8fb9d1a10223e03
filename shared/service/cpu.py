"""How many CPUs this process may use: the limit of its cgroup, else what its pod requests, else all."""

from __future__ import annotations

import os
from math import ceil
from pathlib import Path

_CGROUP = Path("/sys/fs/cgroup")


def cpu_count(cgroup: Path = _CGROUP, requested_millis: int = 0) -> int:
    """CPUs of the cgroup limit (v2 ``cpu.max``, v1 ``cpu.cfs_quota_us``), else requested, else all.

    A pod without a limit sees all CPUs of its node, which many pods share.
    """
    for quota, period in (_v2(cgroup), _v1(cgroup), (requested_millis, 1000)):
        if quota > 0 and period > 0:
            return ceil(quota / period)
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _v2(cgroup: Path) -> tuple[int, int]:
    fields = _read(cgroup / "cpu.max").split()
    if len(fields) != 2 or fields[0] == "max":
        return 0, 0
    return int(fields[0]), int(fields[1])


def _v1(cgroup: Path) -> tuple[int, int]:
    quota = _read(cgroup / "cpu/cpu.cfs_quota_us")
    period = _read(cgroup / "cpu/cpu.cfs_period_us")
    return int(quota or 0), int(period or 0)


def _read(path: Path) -> str:
    try:
        return path.read_text().strip()
    except OSError:
        return ""
