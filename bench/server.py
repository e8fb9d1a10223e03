"""`grisaille serve` as a process of ours: started on a free port, awaited, stopped by its process id.

Its standard error is read to the end by a thread, so that it never blocks on a full pipe.
"""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO

_READY = "workers ready"
_READY_SECONDS = 120.0
_STOP_SECONDS = 60.0


class ServerError(RuntimeError):
    """The server did not start."""


@dataclass(frozen=True, slots=True)
class Server:
    """A running service."""

    port: int
    pid: int


class _Listener:
    """What the server says on standard error, and whether it said it is ready."""

    def __init__(self, stream: IO[str]) -> None:
        self.last: deque[str] = deque(maxlen=20)
        self.ready = False
        self._settled = threading.Event()
        self._thread = threading.Thread(target=self._listen, args=(stream,), daemon=True)
        self._thread.start()

    def wait(self) -> bool:
        """Until it is ready, has ended or is late; whether it is ready."""
        self._settled.wait(_READY_SECONDS)
        return self.ready

    def _listen(self, stream: IO[str]) -> None:
        for line in stream:
            self.last.append(line)
            if _READY in line:
                self.ready = True
                self._settled.set()
        self._settled.set()


@contextlib.contextmanager
def serving(workers: int, slots: int = 1, **settings: object) -> Iterator[Server]:
    """A gateway with so many workers, each converting `slots` images at a time (0: one per CPU)."""
    port = _free_port()
    process = subprocess.Popen(
        [sys.executable, "-m", "grisaille", "serve", "--port", str(port), "--workers", str(workers)],
        env={
            **os.environ,
            **{f"GRISAILLE_{k.upper()}": str(v) for k, v in ({"slots": slots} | settings).items()},
        },
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stderr is not None
        listener = _Listener(process.stderr)
        if not listener.wait():
            raise ServerError("grisaille serve did not get ready:\n" + "".join(listener.last))
        yield Server(port, process.pid)
    finally:
        _stop(process)


def _stop(process: subprocess.Popen[str]) -> None:
    process.terminate()
    try:
        process.wait(_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("", 0))
        port: int = probe.getsockname()[1]
        return port
