"""The registry of a process, with what every process tells about itself."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, GCCollector, Info, PlatformCollector, ProcessCollector

from shared.version import VERSION


def new_registry(service: str) -> CollectorRegistry:
    """With process, Python and garbage collector, and ``grisaille_<service>_build_info``."""
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    PlatformCollector(registry=registry)
    GCCollector(registry=registry)
    Info(f"grisaille_{service}_build", "What runs here.", registry=registry).info({"version": VERSION})
    return registry
