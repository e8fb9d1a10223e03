"""``grisaille serve``: a gateway and n workers as processes on this machine, kept alive."""

from __future__ import annotations

import signal
import socket
import sys
import threading

from grisaille import processes
from grisaille.processes import HOST

_CHECK_SECONDS = 0.1


def serve(port: int, workers: int) -> int:
    """Run until SIGINT or SIGTERM; returns the exit code: 1 if the port is taken."""
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    if _taken(port):
        print(f"grisaille: port {port} is taken; choose another with PORT=...", file=sys.stderr)
        return 1
    with processes.reserved([("", port)] + [(HOST, 0)] * (2 * workers + 1)) as (public, internal, *ports):
        gateway, *others = services = list(processes.services(public, internal, ports))
        try:
            for service in services:
                service.start()
            announced = False
            while not stop.wait(_CHECK_SECONDS):
                for service in services:
                    service.keep_alive()
                announced = announced or _announced(public, workers, internal)
        finally:
            processes.stop([gateway])  # it needs its workers until its last request is answered
            processes.stop(others)
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


def _announced(port: int, workers: int, internal: int) -> bool:
    """Say where we are, if the gateway sees all its workers; whether it was said."""
    if processes.ready_workers(internal) < workers:
        return False
    print(
        f"grisaille: {workers} workers ready; try\n"
        f"  curl --data-binary @photo.jpg localhost:{port}/convert -o grey.jpg",
        file=sys.stderr,
    )
    return True
