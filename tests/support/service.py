"""Starting the real service as a user does, and asking it."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import httpx
from support.addresses import free_port, own_address

ROOT = Path(__file__).parents[2]
_START_SECONDS = 240.0
_STOP_SECONDS = 120.0
_PATIENCE_SECONDS = 120.0


@dataclass
class Service:
    """A running `grisaille serve`."""

    url: str
    process: subprocess.Popen[bytes]
    folder: Path
    """Of its temporary files."""
    log: list[str] = field(default_factory=list)
    client: httpx.Client = field(default_factory=lambda: httpx.Client(timeout=60))

    def convert(
        self, body: bytes, /, headers: Mapping[str, str] | None = None, **options: Any
    ) -> httpx.Response:
        """POST /convert with the options as query."""
        return self.client.post(
            f"{self.url}/convert",
            params={name: str(value) for name, value in options.items()},
            content=body,
            headers=headers,
        )

    def children(self, module: str) -> list[int]:
        """Process ids of the supervisor's children that run a module."""
        return [
            process.pid
            for process in processes()
            if process.parent == self.process.pid and f"-m {module}" in process.command
        ]

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Send a signal and wait for the end; the exit code."""
        self.process.send_signal(number)
        return self.process.wait(_STOP_SECONDS)


@dataclass(frozen=True)
class Process:
    """A living process of this machine."""

    pid: int
    parent: int
    command: str


def processes() -> list[Process]:
    """All that live, from /proc; those that only wait to be reaped do not."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            state, parent, *_ = (folder / "stat").read_text().rpartition(") ")[2].split()
            command = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode()
            if state != "Z":
                found.append(Process(int(folder.name), int(parent), command))
    return found


def environment() -> dict[str, str]:
    """Of a process that runs kernels as its user does: not with the bounds checks of the tests' own."""
    return {name: value for name, value in os.environ.items() if not name.startswith("NUMBA_")}


@cache
def compile_kernels() -> None:
    """In a fresh checkout, in one process: else each of the first services would compile them all."""
    if any(ROOT.glob("shared/codecs/**/*.nbi")):
        return
    command = [sys.executable, "-c", "import worker.app, gateway.app"]
    subprocess.run(command, cwd=ROOT, env=environment(), check=True)


def peak(pid: int) -> int:
    """Most bytes that a process had in memory since it was asked last."""
    folder = Path(f"/proc/{pid}")
    most = int((folder / "status").read_text().split("VmHWM:")[1].split()[0]) * 1024
    (folder / "clear_refs").write_text("5")
    return most


@contextlib.contextmanager
def running(workers: int, **settings: object) -> Iterator[Service]:
    """The service with so many workers, stopped at the end; settings without their prefix."""
    with (
        tempfile.TemporaryDirectory(prefix="grisaille-tests-") as folder,
        _running(Path(folder), workers, settings) as service,
    ):
        yield service


@contextlib.contextmanager
def _running(folder: Path, workers: int, settings: dict[str, object]) -> Iterator[Service]:
    compile_kernels()
    port = free_port()
    own = {f"GRISAILLE_{name.upper()}": str(value) for name, value in settings.items()}
    process = subprocess.Popen(
        [sys.executable, "-m", "grisaille", "serve", "--port", str(port), "--workers", str(workers)],
        cwd=ROOT,
        env=environment() | own | {"TMPDIR": str(folder)},
        stderr=subprocess.PIPE,
    )
    service = Service(f"http://127.0.0.1:{port}", process, folder)
    ready = threading.Event()
    reader = threading.Thread(target=_read, args=(service, ready), daemon=True)
    reader.start()
    try:
        assert ready.wait(_START_SECONDS), "".join(service.log)
        assert process.poll() is None, "".join(service.log)
        yield service
    finally:
        service.client.close()
        if process.poll() is None:
            service.stop()
        reader.join(_STOP_SECONDS)


def _read(service: Service, ready: threading.Event) -> None:
    assert service.process.stderr is not None
    with service.process.stderr as lines:
        for line in lines:
            service.log.append(line.decode())
            if b"workers ready" in line:
                ready.set()
    ready.set()  # or it never will be: it has ended


def within(holds: Callable[[], bool], seconds: float = _PATIENCE_SECONDS) -> bool:
    """Whether something comes true in time."""
    tick = threading.Event()
    for _ in range(int(seconds * 10)):
        if holds():
            return True
        tick.wait(0.1)
    return False


def plan(answer: httpx.Response) -> tuple[str, int]:
    """Kind and number of stripes from X-Grisaille-Plan."""
    found = re.fullmatch(
        r"(inline|whole|stripes); stripes=(\d+); workers=\d+; reason=[a-z-]+",
        answer.headers["X-Grisaille-Plan"],
    )
    assert found, answer.headers["X-Grisaille-Plan"]
    return found[1], int(found[2])


@contextlib.contextmanager
def process(*command: str, **settings: object) -> Iterator[str]:
    """The URL of a process that serves by the time the body runs, and is stopped behind it."""
    compile_kernels()
    host = own_address()
    own = {"host": host, "port": 8000, "internal_host": host, "internal_port": 9000, "drain_quiet_seconds": 0}
    environ = {f"GRISAILLE_{name.upper()}": str(value) for name, value in (own | settings).items()}
    started = subprocess.Popen(
        [sys.executable, *command], cwd=ROOT, env=environment() | environ | {"PYTHONPATH": "."}
    )
    try:
        assert within(lambda: started.poll() is not None or is_ready(host, 9000))
        assert started.poll() is None
        yield f"http://{host}:8000"
    finally:
        started.terminate()
        assert started.wait(30) == 0


def is_ready(host: str, port: int) -> bool:
    """Whether who has this internal port welcomes work."""
    try:
        return httpx.get(f"http://{host}:{port}/readyz").is_success
    except httpx.TransportError:
        return False
