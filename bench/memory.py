"""`python -m bench.memory`: the memory of one worker that converts a PNG of 16384 x 16384 pixels.

Linux only: reads /proc. The resident peak may be what the idle worker has, the body, the result, and
an allowance for bands, threads and buffers, whatever the picture's size.
"""

from __future__ import annotations

import contextlib
import sys
import threading
from collections.abc import Iterator

import click

from bench import mosaic
from bench.client import Client
from bench.processes import children, memory, runs_module
from bench.server import serving

_ALLOWANCE = 100 << 20
_SAMPLE_SECONDS = 0.01


class Sampler:
    """The largest VmRSS of a process seen while it is watched, in bytes."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._stop = threading.Event()
        self.peak = 0

    @contextlib.contextmanager
    def watching(self) -> Iterator[None]:
        """Sample until the block ends."""
        thread = threading.Thread(target=self._watch)
        thread.start()
        try:
            yield
        finally:
            self._stop.set()
            thread.join()

    def _watch(self) -> None:
        while not self._stop.wait(_SAMPLE_SECONDS):
            self.peak = max(self.peak, memory(self._pid, "VmRSS"))


def worker_of(supervisor: int) -> int:
    """The process id of the one worker among the children of `grisaille serve`."""
    (worker,) = (pid for pid in children(supervisor) if runs_module(pid, "worker"))
    return worker


@click.command()
@click.option("--format", "written", default="png", show_default=True, type=click.Choice(["png", "jpeg"]))
def main(written: str) -> None:
    """Send one huge PNG through one worker and compare its resident peak with what it may be."""
    if sys.platform != "linux":
        raise click.ClickException("this measurement reads /proc, which only Linux has")
    image = mosaic.huge_png()
    with serving(workers=1) as server, Client(server.port) as client:
        pid = worker_of(server.pid)
        idle, idle_peak = memory(pid, "VmRSS"), memory(pid, "VmHWM")
        sampler = Sampler(pid)
        with sampler.watching():
            result = client.convert(image, written).size
        peak = memory(pid, "VmHWM")
    _print("idle, VmRSS", idle)
    _print("idle, VmHWM", idle_peak)
    _print("body", len(image))
    _print("result", result)
    _print("peak, VmRSS sampled", sampler.peak)
    _print("peak, VmHWM", peak)
    allowed = idle + len(image) + result + _ALLOWANCE
    _print("allowed", allowed)
    _print("over idle + body + result", peak - idle - len(image) - result)
    if peak > allowed:
        raise click.ClickException("the peak is higher than allowed")


def _print(name: str, size: int) -> None:
    print(f"{name:26} {size / 2**20:8.1f} MiB")


if __name__ == "__main__":
    main()
