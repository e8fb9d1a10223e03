"""The predecessor's processes: started on ports the system chooses, stopped by their process ids."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from collections.abc import Iterator


@contextlib.contextmanager
def predecessor(stripes: int) -> Iterator[int]:
    """An app that cuts so many stripes, its master, and a worker for each; the app's port."""
    with contextlib.ExitStack() as stack:
        master = stack.enter_context(_process("master"))
        for_apps, for_workers = _ports(master)
        for _ in range(stripes):
            stack.enter_context(_process("worker", for_workers))
        app = stack.enter_context(_process("app", for_apps, str(stripes)))
        (port,) = _ports(app)
        yield int(port)


@contextlib.contextmanager
def _process(name: str, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", f"bench.predecessor.{name}", *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.terminate()


def _ports(process: subprocess.Popen[str]) -> list[str]:
    """What it prints first."""
    assert process.stdout is not None
    line = process.stdout.readline()
    if not line:
        raise RuntimeError(f"{process.args!r} did not start")
    return line.split()
