"""The memory of the container this process is in, by its control group (v2 and v1): all its processes."""

from __future__ import annotations

from pathlib import Path

_CGROUP = Path("/sys/fs/cgroup")
_MACHINE = Path("/proc/meminfo")
_UNLIMITED = 1 << 60
"""v1 says "no limit" by a number near the largest there is."""


def memory_limit(cgroup: Path = _CGROUP, machine: Path = _MACHINE) -> int:
    """Bytes; without a limit those of the machine."""
    limit = _number(cgroup / "memory.max") or _number(cgroup / "memory/memory.limit_in_bytes")
    return limit if 0 < limit < _UNLIMITED else _field(machine, "MemTotal:") << 10


def memory_used(cgroup: Path = _CGROUP) -> int:
    """Bytes, without file pages that would be given up first: what the kubelet calls the working set."""
    for folder, usage, inactive in (
        (cgroup, "memory.current", "inactive_file"),
        (cgroup / "memory", "memory.usage_in_bytes", "total_inactive_file"),
    ):
        used = _number(folder / usage)
        if used:
            return max(used - _field(folder / "memory.stat", inactive), 0)
    return 0


def _number(path: Path) -> int:
    try:
        text = path.read_text().strip()
    except OSError:
        return 0
    return int(text) if text.isdigit() else 0  # "max" is no limit


def _field(path: Path, name: str) -> int:
    try:
        lines = path.read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith(f"{name} ")), 0)
