"""A gateway and workers as processes, and the quotas they can be put under.

They start and warm up without a quota, under which that alone would take minutes.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass

from bench.cgroups import Group, group
from bench.processes import tree
from grisaille import processes
from grisaille.processes import HOST, Service

WORKER_CORES = 0.1
SETTINGS = {
    "GRISAILLE_SLOTS": "1",
    "GRISAILLE_QUEUE": "64",
    "GRISAILLE_HEDGE_RATIO": "0",
    "GRISAILLE_REQUEST_BASE_SECONDS": "900",
    "GRISAILLE_ATTEMPT_BASE_SECONDS": "900",
    "GRISAILLE_CONNECT_SECONDS": "60",
    "GRISAILLE_LOG_LEVEL": "warning",
}
"""Deadlines and queues are for machines that are not slowed down tenfold: here no image may be late or
refused, and none converted twice, since scaling is measured and not how retries go."""
_READY_SECONDS = 120.0


class NotReadyError(RuntimeError):
    """Gateway or workers did not start."""


@dataclass(frozen=True, slots=True)
class Stack:
    """Processes that answer on `port`."""

    port: int
    gateway: int
    workers: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Cpu:
    """Processor time in seconds."""

    gateway: float
    workers: float

    def per_image(self, before: Cpu, images: int) -> Cpu:
        """What was used since `before`."""
        return Cpu((self.gateway - before.gateway) / images, (self.workers - before.workers) / images)


@dataclass(frozen=True, slots=True)
class Quotas:
    """The groups of a stack."""

    gateway: Group
    workers: tuple[Group, ...]

    def cpu(self) -> Cpu:
        """Used since they were made."""
        return Cpu(self.gateway.cpu_seconds(), sum(one.cpu_seconds() for one in self.workers))


@contextlib.contextmanager
def running(workers: int) -> Iterator[Stack]:
    """So many workers and their gateway, ready."""
    with processes.reserved(*[(HOST, 0)] * (2 * workers + 2)) as (public, internal, *ports):
        slots = max((os.cpu_count() or 1) // workers, 1)
        others = [processes.worker(*pair, slots) for pair in zip(ports[::2], ports[1::2], strict=True)]
        urls = ",".join(map(processes.url, ports[::2]))
        gateway = processes.gateway(public, internal, urls)
        try:
            for service in (gateway, *others):
                service.environment |= SETTINGS
                service.start()
            _await(workers, internal)
            yield Stack(public, _pid(gateway), tuple(map(_pid, others)))
        finally:
            processes.stop([gateway])
            processes.stop(others)


@contextlib.contextmanager
def limited(stack: Stack, gateway_cores: float) -> Iterator[Quotas]:
    """The stack under quotas; free again at the end."""
    with contextlib.ExitStack() as groups:

        def held(name: str, cores: float, pid: int) -> Group:
            made = groups.enter_context(group(name, cores))
            for one in tree(pid):
                made.add(one)
            return made

        gateway = held("gateway", gateway_cores, stack.gateway)
        workers = (held(f"worker-{n}", WORKER_CORES, pid) for n, pid in enumerate(stack.workers))
        yield Quotas(gateway, tuple(workers))


def _await(workers: int, internal: int) -> None:
    late = time.monotonic() + _READY_SECONDS
    while processes.ready_workers(internal) < workers:
        if time.monotonic() > late:
            raise NotReadyError(f"{workers} workers were not ready within {_READY_SECONDS:.0f} s")
        time.sleep(0.1)


def _pid(service: Service) -> int:
    assert service.process is not None
    return service.process.pid
