"""Processes as /proc tells of them (proc(5)): who is whose child, and who used the processor."""

from __future__ import annotations

import contextlib
import itertools
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path

_PROC = Path("/proc")
_BUSY_FIELDS = (0, 1, 2, 7)
"""User, nice, system and stolen, of the numbers in the first line of /proc/stat."""


class OthersMeter:
    """How many cores processes outside our tree used while a block ran; 0 where there is no /proc."""

    def __init__(self) -> None:
        self.cores = 0.0

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        """Measure until the block ends."""
        if sys.platform != "linux":
            yield
            return
        begin, busy, ours = time.monotonic(), _busy_ticks(), _tree_ticks(os.getpid())
        yield
        others = (_busy_ticks() - busy) - (_tree_ticks(os.getpid()) - ours)
        seconds = time.monotonic() - begin
        self.cores = round(max(others, 0) / os.sysconf("SC_CLK_TCK") / seconds, 2)


def memory(pid: int, name: str) -> int:
    """A `Vm...` field of /proc/pid/status in bytes (proc_pid_status(5))."""
    lines = (_PROC / str(pid) / "status").read_text().splitlines()
    return next(int(line.split()[1]) << 10 for line in lines if line.startswith(f"{name}:"))


def children(parent: int) -> Iterator[int]:
    """Process ids."""
    for folder in _PROC.iterdir():
        if folder.name.isdigit():
            with contextlib.suppress(OSError):  # it ended meanwhile
                if int(_stat(int(folder.name))[1]) == parent:
                    yield int(folder.name)


def tree(pid: int) -> Iterator[int]:
    """A process and its living descendants."""
    yield pid
    for child in list(children(pid)):
        yield from tree(child)


def runs_module(pid: int, module: str) -> bool:
    """Whether it was started as `python -m module`."""
    arguments = (_PROC / str(pid) / "cmdline").read_bytes().split(b"\0")
    return (b"-m", module.encode()) in itertools.pairwise(arguments)


def _stat(pid: int) -> list[str]:
    """The fields of /proc/pid/stat after the name: state, parent, ..."""
    return (_PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()


def _tree_ticks(pid: int) -> int:
    """Processor time of a process and its living descendants, user and system."""
    return sum(int(ticks) for one in tree(pid) for ticks in _stat(one)[11:13])


def _busy_ticks() -> int:
    """Processor time of all processes."""
    line = (_PROC / "stat").read_text().partition("\n")[0]
    fields = [int(field) for field in line.split()[1:]]
    return sum(fields[index] for index in _BUSY_FIELDS)
