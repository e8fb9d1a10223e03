"""Control groups that hold processes to a share of a core, cgroup v2 or v1 (Linux).

v2: Documentation/admin-guide/cgroup-v2.rst, `cpu.max` and `cpu.stat`. v1:
Documentation/scheduler/sched-bwc.rst, `cpu.cfs_*`, and `cpuacct.usage`.
"""

from __future__ import annotations

import contextlib
import errno
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

PERIOD_US = 10_000
"""Of the scheduler's bandwidth control; a tenth of its default, so that a process seldom waits long."""
_ROOT = Path("/sys/fs/cgroup")
_REMOVAL_SECONDS = 5.0


class CgroupError(RuntimeError):
    """There are no control groups here that we may make."""


@dataclass(frozen=True, slots=True)
class Group:
    """A group; under v1 it is one folder for each controller."""

    folders: tuple[Path, ...]
    quota: tuple[tuple[Path, str], ...]
    """Files that set the quota, and what they say."""
    usage: Path

    def add(self, pid: int) -> None:
        """Move a process with all its threads here; children it has already are not moved."""
        for folder in self.folders:
            (folder / "cgroup.procs").write_text(str(pid))

    def cpu_seconds(self) -> float:
        """Processor time that its processes have used in it."""
        text = self.usage.read_text()
        if self.usage.name == "cpuacct.usage":
            return int(text) / 1e9
        fields = dict(line.split() for line in text.splitlines())
        return int(fields["usage_usec"]) / 1e6


@contextlib.contextmanager
def group(name: str, cores: float, root: Path = _ROOT) -> Iterator[Group]:
    """A new group that may use so many cores; at the end its processes go where it was made, and it goes."""
    found = _described(f"grisaille-bench-{os.getpid()}-{name}", int(cores * PERIOD_US), root)
    try:
        _make(found)
        yield found
    finally:
        for folder in found.folders:
            _remove(folder)


def _make(wanted: Group) -> None:
    try:
        for folder in wanted.folders:
            folder.mkdir(exist_ok=True)  # v1's two controllers may share one folder
        for file, text in wanted.quota:
            file.write_text(text)
    except OSError as exc:
        raise CgroupError(f"no control group can be made here, which needs root: {exc}") from exc


def _described(name: str, quota: int, root: Path) -> Group:
    """The group as the kernel here wants it."""
    if "cpu" in _words(root / "cgroup.controllers"):
        _enable(root)
        folder = root / name
        return Group((folder,), ((folder / "cpu.max", f"{quota} {PERIOD_US}"),), folder / "cpu.stat")
    if (root / "cpu/cpu.cfs_quota_us").exists():
        cpu, account = root / "cpu" / name, root / "cpuacct" / name
        files = ((cpu / "cpu.cfs_period_us", str(PERIOD_US)), (cpu / "cpu.cfs_quota_us", str(quota)))
        return Group((cpu, account), files, account / "cpuacct.usage")
    raise CgroupError(f"{root} has no cpu controller, neither of cgroup v2 nor of v1")


def _enable(root: Path) -> None:
    """Let groups below have quotas."""
    control = root / "cgroup.subtree_control"
    if "cpu" not in _words(control):
        try:
            control.write_text("+cpu")
        except OSError as exc:
            raise CgroupError(f"the cpu controller cannot be enabled, which needs root: {exc}") from exc


def _remove(folder: Path) -> None:
    """Processes that are just ending keep a group for a moment."""
    give_up = time.monotonic() + _REMOVAL_SECONDS
    while folder.exists():
        for pid in _words(folder / "cgroup.procs"):
            with contextlib.suppress(ProcessLookupError):
                (folder.parent / "cgroup.procs").write_text(pid)
        try:
            folder.rmdir()
        except OSError as exc:
            if exc.errno != errno.EBUSY or time.monotonic() > give_up:
                raise
            time.sleep(0.05)


def _words(file: Path) -> list[str]:
    try:
        return file.read_text().split()
    except FileNotFoundError:
        return []
