"""The registry of a process, with what every process tells about itself."""

from __future__ import annotations

from prometheus_client import (
    CollectorRegistry,
    Gauge,
    GCCollector,
    Info,
    PlatformCollector,
    ProcessCollector,
)

from shared.service.memory import memory_limit, memory_used
from shared.version import VERSION


def new_registry(service: str) -> CollectorRegistry:
    """With process, Python and garbage collector, and ``grisaille_<service>_build_info``."""
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    PlatformCollector(registry=registry)
    GCCollector(registry=registry)
    used = Gauge(
        f"grisaille_{service}_memory_bytes",
        "Memory of the container, all its processes together; 0 outside of one.",
        registry=registry,
    )
    used.set_function(memory_used)
    limit = Gauge(
        f"grisaille_{service}_memory_limit_bytes",
        "Most of it: the container's limit, or else the machine's memory.",
        registry=registry,
    )
    limit.set_function(memory_limit)
    Info(f"grisaille_{service}_build", "What runs here.", registry=registry).info({"version": VERSION})
    return registry
