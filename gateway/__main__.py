"""``python -m gateway``: one gateway process."""

from __future__ import annotations

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor
from random import Random

from prometheus_client import CollectorRegistry
from starlette.types import ASGIApp, Receive, Scope, Send

from gateway.admission import Admission
from gateway.app import create_app
from gateway.fanout import endpoints
from gateway.fanout.delivery import Fanout
from gateway.fanout.pool import Pool
from gateway.fanout.prober import probe, probe_forever
from gateway.fanout.transport import WireTransport
from gateway.job import Scans, Services
from gateway.metrics import GatewayMetrics
from gateway.offload import Offload
from gateway.settings import GatewaySettings
from shared.service import logs, server
from shared.service.buffers import Buffers
from shared.service.internal import internal_app
from shared.service.lifecycle import Lifecycle
from shared.service.registry import new_registry


class _Gateway:
    """What lives as long as the process. What needs the running loop comes late."""

    def __init__(self, settings: GatewaySettings, registry: CollectorRegistry) -> None:
        self._settings = settings
        self._metrics = GatewayMetrics(registry)
        self.lifecycle = Lifecycle()
        self._workers = endpoints.parse(settings.workers)
        self._spool = settings.spool
        self._transport = WireTransport(settings.connect_seconds, settings.client_idle_seconds, self._spool)
        self._executor = ThreadPoolExecutor(2, thread_name_prefix="gateway")
        self._app: ASGIApp | None = None
        self._tasks: list[asyncio.Task[None]] = []

    async def prepare(self) -> None:
        """Look for workers once; then answer."""
        settings = self._settings
        transport = self._transport
        random = Random()  # noqa: S311 - balancing is not cryptography
        pool = Pool(random, time.monotonic, settings.slots_per_worker, self._metrics.ejected)

        def update(urls: tuple[str, ...]) -> None:
            pool.update(urls)
            transport.close_stale()

        while not await self._workers.refresh():  # a gateway that knows nobody is not ready
            await asyncio.sleep(settings.refresh_seconds)
        update(self._workers.current())
        await asyncio.gather(*(probe(pool, worker, transport) for worker in pool.absent()))
        self._tasks = [
            asyncio.create_task(endpoints.follow(self._workers, update, settings.refresh_seconds)),
            asyncio.create_task(probe_forever(pool, transport, settings.probe_seconds)),
        ]
        offload = Offload(self._executor)
        fanout = Fanout(settings, pool, transport, offload, self._metrics)
        admission = Admission.of(settings, lambda: pool.slots, self._metrics.short_of)
        self._metrics.watch(pool, admission)
        services = Services(settings, pool, fanout, admission, offload, Buffers(self._spool), Scans())
        self._app = create_app(services, self.lifecycle, self._metrics)

    async def close(self) -> None:
        """End what `prepare` began."""
        for task in self._tasks:
            task.cancel()
        await self._transport.aclose()
        self._executor.shutdown()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The public app; it is there before the public port opens."""
        if self._app is not None:
            await self._app(scope, receive, send)


def main() -> None:
    """Serve until SIGTERM."""
    settings = GatewaySettings()
    logs.configure(settings.log_level, settings.log_format)
    registry = new_registry("gateway")
    gateway = _Gateway(settings, registry)
    server.run(
        settings,
        gateway.lifecycle,
        public=gateway,
        internal=internal_app(gateway.lifecycle, registry),
        prepare=gateway.prepare,
        close=gateway.close,
    )


main()
