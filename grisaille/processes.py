"""A gateway and its workers as processes of this machine: their ports, environment, start and end."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

HOST = "127.0.0.1"
_STOP_SECONDS = 30.0
_FIRST_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS = 0.1, 10.0
_STABLE_SECONDS = 30.0
_MALLOC = ":".join(
    f"glibc.malloc.{tunable}"
    for tunable in (
        "mmap_threshold=33554432",
        "trim_threshold=67108864",
        "top_pad=16777216",
        "arena_max=1",
    )
)
"""Bands come and go by the hundred: keeping their memory in the process saves the page faults, which were
an eighth of a stripe's time. It costs some 20 MB. Only glibc reads it."""


@dataclass(slots=True)
class Service:
    """One process that should run."""

    module: str
    environment: dict[str, str]
    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    pause: float = _FIRST_PAUSE_SECONDS

    def start(self) -> None:
        """Start it; what `environment` does not name comes from ours."""
        self.started = time.monotonic()
        self.process = subprocess.Popen(
            [sys.executable, "-m", self.module],
            env={**os.environ, **self.environment},
            stdin=subprocess.PIPE,  # closed when we die, however that happens
            start_new_session=True,  # Ctrl-C reaches us alone, and we stop the others in order
        )

    def keep_alive(self) -> None:
        """Start the process again if it ended, after a pause that grows while it keeps ending."""
        if self.process is None or not self.has_ended:
            return
        if time.monotonic() - self.started > _STABLE_SECONDS:
            self.pause = _FIRST_PAUSE_SECONDS
        if time.monotonic() - self.started >= self.pause:
            self.pause = min(2 * self.pause, _LONGEST_PAUSE_SECONDS)
            self.start()

    @property
    def has_ended(self) -> bool:
        """Whether it runs no more, or never did."""
        return self.process is None or self.process.poll() is not None

    def ask_to_stop(self) -> None:
        """SIGTERM."""
        if self.process is not None:
            self.process.terminate()

    def wait(self) -> None:
        """Until it has ended; made to if it does not."""
        if self.process is None:
            return
        try:
            self.process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def stop(running: Sequence[Service]) -> None:
    """All of them at once."""
    for service in running:
        service.ask_to_stop()
    for service in running:
        service.wait()


@contextlib.contextmanager
def reserved(*addresses: tuple[str, int]) -> Iterator[list[int]]:
    """Their ports (0: the system chooses), bound but not listening: ours while services come and go."""
    with contextlib.ExitStack() as stack:
        ports = []
        for address in addresses:
            held = stack.enter_context(socket.socket())
            held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            held.bind(address)
            ports.append(held.getsockname()[1])
        yield ports


def allocator() -> dict[str, str]:
    """The environment in which memory of bands is kept, unless ours says how it should be."""
    return {"GLIBC_TUNABLES": os.environ.get("GLIBC_TUNABLES", _MALLOC)}


def url(port: int) -> str:
    """Of a process of ours with this port."""
    return f"http://{HOST}:{port}"


def gateway(port: int, internal: int, workers: str) -> Service:
    """A gateway; `workers` says where its workers are, as GRISAILLE_WORKERS."""
    return Service(
        "gateway",
        _common()
        | {
            "GRISAILLE_PORT": str(port),
            "GRISAILLE_INTERNAL_HOST": HOST,
            "GRISAILLE_INTERNAL_PORT": str(internal),
            "GRISAILLE_WORKERS": workers,
            "GRISAILLE_PROBE_SECONDS": "0.1",
            "GRISAILLE_REFRESH_SECONDS": "0.1",
        },
    )


def worker(port: int, internal: int, slots: int) -> Service:
    """A worker with so many slots, unless the environment says how many."""
    return Service(
        "worker",
        _common()
        | {
            "GRISAILLE_HOST": HOST,
            "GRISAILLE_PORT": str(port),
            "GRISAILLE_INTERNAL_HOST": HOST,
            "GRISAILLE_INTERNAL_PORT": str(internal),
            "GRISAILLE_SLOTS": os.environ.get("GRISAILLE_SLOTS", str(slots)),
        },
    )


def _common() -> dict[str, str]:
    return allocator() | {
        "GRISAILLE_DRAIN_QUIET_SECONDS": "0",
        "GRISAILLE_EXIT_WITH_PARENT": "true",
        "GRISAILLE_REUSE_PORT": "true",
    }


def ready_workers(internal: int) -> int:
    """How many workers the gateway with this internal port has found ready; 0 while it does not answer."""
    try:
        with urllib.request.urlopen(f"http://{HOST}:{internal}/metrics", timeout=1) as answer:
            lines = answer.read().decode().splitlines()
    except (urllib.error.URLError, OSError):
        return 0
    ready = 'grisaille_gateway_workers{state="ready"} '
    return next((int(float(x.removeprefix(ready))) for x in lines if x.startswith(ready)), 0)
