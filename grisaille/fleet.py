"""The workers of one machine: kept alive, and as many as are wanted from one moment to the next."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from pathlib import Path

from grisaille import processes
from grisaille.processes import HOST, Service

MOST_WORKERS = 64


@dataclass(frozen=True, slots=True)
class _Worker:
    """A running worker and the ports that are kept for it."""

    service: Service
    url: str
    ports: contextlib.ExitStack


class Fleet:
    """Workers, and the file in which their gateway reads where they are."""

    def __init__(self, addresses: Path, slots: int) -> None:
        """`slots`: of each worker."""
        self._addresses = addresses
        self._slots = slots
        self._workers: list[_Worker] = []
        self._leaving: list[_Worker] = []

    def __len__(self) -> int:
        return len(self._workers)

    def scale(self, count: int) -> None:
        """Start workers, or let the newest end what they have and stop, until there are `count`."""
        count = max(0, min(count, MOST_WORKERS))
        while len(self._workers) < count:
            self._workers.append(self._start())
        leaving, self._workers = self._workers[count:], self._workers[:count]
        self._tell()  # before they go, so that they get nothing more
        for worker in leaving:
            worker.service.ask_to_stop()
        self._leaving += leaving

    def keep_alive(self) -> None:
        """Start again what has ended; let go of those that were to stop and did."""
        for worker in self._workers:
            worker.service.keep_alive()
        for worker in [worker for worker in self._leaving if worker.service.has_ended]:
            worker.ports.close()
            self._leaving.remove(worker)

    def stop(self) -> None:
        """All at once; returns when they have."""
        everyone = self._workers + self._leaving
        processes.stop([worker.service for worker in everyone])
        for worker in everyone:
            worker.ports.close()

    def _start(self) -> _Worker:
        ports = contextlib.ExitStack()
        public, internal = ports.enter_context(processes.reserved((HOST, 0), (HOST, 0)))
        service = processes.worker(public, internal, self._slots)
        service.start()
        return _Worker(service, processes.url(public), ports)

    def _tell(self) -> None:
        new = self._addresses.with_suffix(".new")
        new.write_text("".join(f"{worker.url}\n" for worker in self._workers))
        new.replace(self._addresses)  # in one step: the gateway never reads half a list
