"""Settings of a worker; those it shares with the gateway are in `shared.service.settings`."""

from __future__ import annotations

from pydantic import Field

from shared.service.settings import ServiceSettings
from worker.faults import Fault


class WorkerSettings(ServiceSettings):
    """Read from ``GRISAILLE_*``."""

    port: int = Field(8000, ge=0, le=65535, description="public port")
    internal_port: int = Field(9000, ge=0, le=65535, description="health, readiness and metrics")
    drain_max_seconds: float = Field(40.0, ge=0, description="stop draining after so long")
    slots: int = Field(0, ge=0, description="conversions at a time; 0: the CPU limit, else the request")
    cpu_request: int = Field(0, ge=0, description="CPU request of the pod in thousandths; 0: none")
    queue: int = Field(0, ge=0, description="conversions that may wait; 0: twice the slots")
    child_conversions: int = Field(
        200, gt=0, description="conversions before the child process that runs Pillow is replaced"
    )
    fault: Fault = Field(
        Fault.NONE, description="for tests: what goes wrong with conversions; never with probes"
    )
    fault_seconds: float = Field(1.0, ge=0, description="for tests: how long a delayed conversion waits")
    fault_requests: str = Field(
        "", description="for tests: only conversions whose request id begins so; empty: all"
    )
    max_seconds: float = Field(
        170.0, gt=0, description="time for a conversion whose caller names no deadline"
    )
