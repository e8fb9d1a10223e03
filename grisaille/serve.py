"""``grisaille serve``: a gateway and n workers as processes on this machine, kept alive."""

from __future__ import annotations

import contextlib
import os
import queue
import signal
import socket
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from grisaille import processes
from grisaille.fleet import Fleet
from grisaille.processes import HOST, Service

_CHECK_SECONDS = 0.1
_STEPS = {signal.SIGTTIN: 1, signal.SIGTTOU: -1}
"""As gunicorn and its like do: a worker more, a worker less."""


def serve(port: int, workers: int) -> int:
    """Run until SIGINT or SIGTERM; SIGTTIN adds a worker, SIGTTOU takes one away.

    Returns the exit code: 1 if the port is taken.
    """
    signals: queue.SimpleQueue[signal.Signals] = queue.SimpleQueue()
    for number in (signal.SIGINT, signal.SIGTERM, *_STEPS):
        signal.signal(number, lambda number, _: signals.put(signal.Signals(number)))
    if _taken(port):
        print(f"grisaille: port {port} is taken; choose another with PORT=...", file=sys.stderr)
        return 1
    with running(port, workers) as services:
        _supervise(services, signals)
    return 0


@dataclass(frozen=True, slots=True)
class Services:
    """A gateway, its workers, and the gateway's public and internal port."""

    gateway: Service
    fleet: Fleet
    public: int
    internal: int

    @property
    def ready(self) -> int:
        """How many workers the gateway has found ready."""
        return processes.ready_workers(self.internal)

    def keep_alive(self) -> None:
        """Start again what has ended."""
        self.gateway.keep_alive()
        self.fleet.keep_alive()


@contextlib.contextmanager
def running(port: int, workers: int) -> Iterator[Services]:
    """A gateway on this port (0: the system chooses) and so many workers, until the block is left."""
    with (
        tempfile.TemporaryDirectory(prefix="grisaille-") as folder,
        processes.reserved(("", port), (HOST, 0)) as (public, internal),
    ):
        addresses = Path(folder) / "workers"
        fleet = Fleet(addresses, max((os.cpu_count() or 1) // workers, 1))
        gateway = processes.gateway(public, internal, addresses.as_uri())
        try:
            fleet.scale(workers)
            gateway.start()
            yield Services(gateway, fleet, public, internal)
        finally:
            processes.stop([gateway])  # it needs its workers until its last request is answered
            fleet.stop()


def _supervise(services: Services, signals: queue.SimpleQueue[signal.Signals]) -> None:
    """Keep everything alive, and do what signals say, until one says stop."""
    fleet, announced = services.fleet, 0
    while True:
        try:
            number = signals.get(timeout=_CHECK_SECONDS)
        except queue.Empty:
            services.keep_alive()
            if announced != len(fleet) == services.ready:
                announced = len(fleet)
                _announce(services.public, announced)
            continue
        if number not in _STEPS:
            return
        fleet.scale(len(fleet) + _STEPS[number])


def _taken(port: int) -> bool:
    """Whether anybody, another supervisor included, has the port."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("", port))
        except OSError:
            return True
    return False


def _announce(port: int, workers: int) -> None:
    print(
        f"grisaille: {workers} workers ready; try\n"
        f"  curl --data-binary @photo.jpg localhost:{port}/convert -o grey.jpg",
        file=sys.stderr,
    )
