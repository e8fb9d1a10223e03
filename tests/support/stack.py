"""A gateway and workers as processes, each worker on an address of its own, to be hurt one by one."""

from __future__ import annotations

import contextlib
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import httpx
from support.addresses import own_address
from support.service import ROOT, compile_kernels, environment, is_ready, within

PORT, INTERNAL_PORT = 8000, 9000


class Server:
    """A process on an address of its own, all with the same ports, as pods have; it may be started again."""

    port, internal = PORT, INTERNAL_PORT

    def __init__(self, module: str, folder: Path, **settings: object) -> None:
        """`folder` is for its temporary files."""
        self.host = own_address()
        self._command = [sys.executable, *module.split()]
        own = {"host": self.host, "port": PORT, "internal_host": self.host, "internal_port": INTERNAL_PORT}
        own |= {"drain_quiet_seconds": 1, "log_level": "error"} | settings
        self._settings = {f"GRISAILLE_{name.upper()}": str(value) for name, value in own.items()}
        self._settings |= {"PYTHONPATH": ".", "TMPDIR": str(folder)}
        self.start()

    @property
    def url(self) -> str:
        return f"http://{self.host}:{self.port}"

    @property
    def pid(self) -> int:
        return self._process.pid

    def start(self) -> None:
        self._process = subprocess.Popen(
            self._command,
            cwd=ROOT,
            env=environment() | self._settings,
            stdin=subprocess.DEVNULL,
        )

    def await_ready(self) -> None:
        assert within(lambda: is_ready(self.host, self.internal)), self.url

    def send(self, number: signal.Signals) -> None:
        self._process.send_signal(number)

    def end(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Send a signal and wait for the end; the exit code."""
        self._process.send_signal(number)
        return self._process.wait(60)

    @property
    def is_running(self) -> bool:
        return self._process.poll() is None

    def metric(self, name: str) -> float:
        """The sum of all series of this name, or of these labels."""
        text = httpx.get(f"http://{self.host}:{self.internal}/metrics", timeout=10).text
        found = [
            float(line.split()[-1])
            for line in text.splitlines()
            if line.startswith((f"{name} ", f"{name}{{"))
        ]
        assert found, name
        return sum(found)

    @property
    def resident(self) -> int:
        """Bytes in memory."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        return int(status.split("VmRSS:")[1].split()[0]) * 1024

    @property
    def descriptors(self) -> int:
        """Open files and sockets."""
        return sum(1 for _ in Path(f"/proc/{self.pid}/fd").iterdir())


class Worker(Server):
    """With one slot, unless told otherwise."""

    def __init__(self, folder: Path, **settings: object) -> None:
        super().__init__("-m worker", folder, **{"slots": 1, **settings})

    @property
    def converted(self) -> int:
        """Images and stripes it answered well."""
        return int(self.metric('grisaille_worker_conversions_total{outcome="ok"}'))


class Stack:
    """A gateway, its workers, and the list in which it finds them."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.addresses = folder / "workers"
        self.workers: list[Worker] = []
        self.gateways: list[Server] = []

    @property
    def gateway(self) -> Server:
        return self.gateways[0]

    @property
    def url(self) -> str:
        return self.gateway.url

    def add_gateway(self, *, command: str = "-m gateway", **settings: object) -> Server:
        defaults = {"workers": self.addresses.as_uri(), "refresh_seconds": 0.2, "probe_seconds": 0.2}
        server = Server(command, self._folder, **(defaults | settings))
        self.gateways.append(server)
        return server

    def add_workers(self, number: int, **settings: object) -> list[Worker]:
        """Start so many, and list them once they are ready."""
        new = [Worker(self._folder, **settings) for _ in range(number)]
        self.workers += new
        for worker in new:
            worker.await_ready()
        self.tell()
        return new

    def tell(self, *others: str) -> None:
        """Write the list: our workers and other URLs."""
        new = self.addresses.with_suffix(".new")
        new.write_text("\n".join([*(worker.url for worker in self.workers), *others]))
        new.replace(self.addresses)

    def forget(self, worker: Worker) -> None:
        """Take it off the list."""
        self.workers.remove(worker)
        self.tell()

    def sees(self, ready: int) -> bool:
        """Whether the gateway has so many ready workers."""
        return self.gateway.metric('grisaille_gateway_workers{state="ready"}') == ready

    def await_workers(self) -> None:
        self.gateway.await_ready()
        assert within(lambda: self.sees(len(self.workers)))

    def close(self) -> None:
        running = [server for server in (*self.gateways, *self.workers) if server.is_running]
        for server in running:
            server.send(signal.SIGCONT)
        for server in running:
            server.end(signal.SIGKILL)


@contextlib.contextmanager
def stack(
    workers: int, worker_settings: dict[str, object] | None = None, **gateway: object
) -> Iterator[Stack]:
    """So many workers of one slot and a gateway that knows them."""
    compile_kernels()
    with tempfile.TemporaryDirectory(prefix="grisaille-tests-") as folder:
        made = Stack(Path(folder))
        try:
            made.add_gateway(**gateway)  # type: ignore[arg-type]  # `command` is not among them
            made.add_workers(workers, **(worker_settings or {}))
            made.await_workers()
            yield made
        finally:
            made.close()
