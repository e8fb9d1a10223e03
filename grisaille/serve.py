"""``grisaille serve``: a gateway and n workers as processes on this machine, kept alive."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass

_HOST = "127.0.0.1"
_CHECK_SECONDS = 0.1
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
class _Service:
    """One process that should run."""

    module: str
    environment: dict[str, str]
    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    pause: float = _FIRST_PAUSE_SECONDS

    def start(self) -> None:
        self.started = time.monotonic()
        self.process = subprocess.Popen(
            [sys.executable, "-m", self.module],
            env={**os.environ, **self.environment},
            stdin=subprocess.PIPE,  # closed when we die, however that happens
            start_new_session=True,  # Ctrl-C reaches us alone, and we stop the others in order
        )

    def keep_alive(self) -> None:
        """Start the process again if it ended, after a pause that grows while it keeps ending."""
        if self.process is None or self.process.poll() is None:
            return
        if time.monotonic() - self.started > _STABLE_SECONDS:
            self.pause = _FIRST_PAUSE_SECONDS
        if time.monotonic() - self.started >= self.pause:
            self.pause = min(2 * self.pause, _LONGEST_PAUSE_SECONDS)
            self.start()

    def ask_to_stop(self) -> None:
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


def _stop(services: list[_Service]) -> None:
    """All of them at once."""
    for service in services:
        service.ask_to_stop()
    for service in services:
        service.wait()


@contextlib.contextmanager
def _reserved(addresses: list[tuple[str, int]]) -> Iterator[list[int]]:
    """Their ports (0: the system chooses), bound but not listening: ours while services come and go."""
    with contextlib.ExitStack() as stack:
        ports = []
        for address in addresses:
            held = stack.enter_context(socket.socket())
            held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            held.bind(address)
            ports.append(held.getsockname()[1])
        yield ports


def serve(port: int, workers: int) -> int:
    """Run until SIGINT or SIGTERM; returns the exit code: 1 if the port is taken."""
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    if _taken(port):
        print(f"grisaille: port {port} is taken; choose another with PORT=...", file=sys.stderr)
        return 1
    with _reserved([("", port)] + [(_HOST, 0)] * (2 * workers + 1)) as (public, internal, *ports):
        gateway, *others = services = list(_services(public, internal, ports))
        try:
            for service in services:
                service.start()
            announced = False
            while not stop.wait(_CHECK_SECONDS):
                for service in services:
                    service.keep_alive()
                announced = announced or _announced(public, workers, internal)
        finally:
            _stop([gateway])  # it needs its workers until its last request is answered
            _stop(others)
    return 0


def _taken(port: int) -> bool:
    """Whether anybody, another supervisor included, has the port."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("", port))
        except OSError:
            return True
    return False


def _services(port: int, internal: int, worker_ports: list[int]) -> Iterator[_Service]:
    """The gateway, then the workers."""
    pairs = list(zip(worker_ports[::2], worker_ports[1::2], strict=True))
    urls = ",".join(f"http://{_HOST}:{public}" for public, _ in pairs)
    common = {
        "GRISAILLE_DRAIN_QUIET_SECONDS": "0",
        "GRISAILLE_EXIT_WITH_PARENT": "true",
        "GRISAILLE_REUSE_PORT": "true",
        "GLIBC_TUNABLES": os.environ.get("GLIBC_TUNABLES", _MALLOC),
    }
    yield _Service(
        "gateway",
        common
        | {
            "GRISAILLE_PORT": str(port),
            "GRISAILLE_INTERNAL_HOST": _HOST,
            "GRISAILLE_INTERNAL_PORT": str(internal),
            "GRISAILLE_WORKERS": urls,
            "GRISAILLE_PROBE_SECONDS": "0.1",
        },
    )
    slots = max((os.cpu_count() or 1) // len(pairs), 1)
    for public, private in pairs:
        yield _Service(
            "worker",
            common
            | {
                "GRISAILLE_HOST": _HOST,
                "GRISAILLE_PORT": str(public),
                "GRISAILLE_INTERNAL_HOST": _HOST,
                "GRISAILLE_INTERNAL_PORT": str(private),
                "GRISAILLE_SLOTS": os.environ.get("GRISAILLE_SLOTS", str(slots)),
            },
        )


def _announced(port: int, workers: int, internal: int) -> bool:
    """Say where we are, if the gateway sees all its workers; whether it was said."""
    if _ready_workers(internal) < workers:
        return False
    print(
        f"grisaille: {workers} workers ready; try\n"
        f"  curl --data-binary @photo.jpg localhost:{port}/convert -o grey.jpg",
        file=sys.stderr,
    )
    return True


def _ready_workers(internal: int) -> int:
    try:
        with urllib.request.urlopen(f"http://{_HOST}:{internal}/metrics", timeout=1) as answer:
            lines = answer.read().decode().splitlines()
    except (urllib.error.URLError, OSError):
        return 0
    ready = 'grisaille_gateway_workers{state="ready"} '
    return next((int(float(x.removeprefix(ready))) for x in lines if x.startswith(ready)), 0)
