"""``python -m worker``: one worker process."""

from __future__ import annotations

import asyncio

from shared.codecs import jit
from shared.service import logs, server
from shared.service.cpu import cpu_count
from shared.service.internal import internal_app
from shared.service.lifecycle import Lifecycle
from shared.service.registry import new_registry
from worker.app import create_app
from worker.child import Children
from worker.metrics import WorkerMetrics
from worker.settings import WorkerSettings
from worker.slots import Slots


def main() -> None:
    """Serve until SIGTERM."""
    settings = WorkerSettings()
    logs.configure(settings.log_level, settings.log_format)
    cpus = cpu_count(requested_millis=settings.cpu_request)
    count = settings.slots or cpus
    registry = new_registry("worker")
    metrics = WorkerMetrics(registry)
    metrics.kernel_cache_misses.set(jit.cache_misses())
    lifecycle = Lifecycle()
    slots = Slots(count, settings.queue or 2 * count, metrics, cpus)
    children = Children(count, settings.child_conversions)

    async def prepare() -> None:
        """Start the decoders; importing the codecs has already compiled the kernels or loaded them."""
        await asyncio.to_thread(children.start)
        metrics.ready_time.set_to_current_time()

    async def close() -> None:
        slots.close()
        children.close()

    server.run(
        settings,
        lifecycle,
        public=create_app(settings, lifecycle, slots, children, metrics),
        internal=internal_app(lifecycle, registry),
        prepare=prepare,
        close=close,
    )


main()
