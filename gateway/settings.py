"""Settings of the gateway; those it shares with the worker are in `shared.service.settings`."""

from __future__ import annotations

from pydantic import Field

from shared.service.settings import ServiceSettings


class GatewaySettings(ServiceSettings):
    """Read from ``GRISAILLE_*``."""

    port: int = Field(5006, ge=0, le=65535, description="public port")
    internal_port: int = Field(9006, ge=0, le=65535, description="health, readiness and metrics")
    workers: str = Field(
        "http://127.0.0.1:8000",
        description="where workers are: URLs with commas between them; k8s://namespace/service:port, the "
        "ready pods of a Service; dns://name:port, all addresses of a name; file:///path, a URL a line",
    )
    slots_per_worker: int = Field(
        0, ge=0, description="slots of each address, for one that stands for many; 0: as reported"
    )
    inline_max_pixels: int = Field(
        4_000_000, ge=0, description="convert here up to so many pixels when no worker is ready; 0: never"
    )
    request_base_seconds: float = Field(60.0, gt=0, description="deadline of a request, fixed part")
    attempt_base_seconds: float = Field(5.0, gt=0, description="deadline of an attempt, fixed part")
    seconds_per_megapixel: float = Field(0.1, ge=0, description="what each megapixel adds to both")
    connect_seconds: float = Field(1.0, gt=0, description="time to connect to a worker")
    worker_patience_seconds: float = Field(
        10.0, ge=0, description="wait for a worker when none is ready: as long as one takes to start"
    )
    retry_budget_ratio: float = Field(0.2, ge=0, description="retries per attempt, at most")
    retry_budget_per_second: float = Field(3.0, ge=0, description="retries that are always allowed")
    hedge_ratio: float = Field(0.1, ge=0, description="hedges per attempt, at most; 0: none")
    probe_seconds: float = Field(1.0, gt=0, description="pause between looks at absent workers")
    refresh_seconds: float = Field(1.0, gt=0, description="pause between looks at where workers are")
    client_idle_seconds: float = Field(
        15.0, gt=0, description="reuse a connection to a worker for so long; less than it is kept alive there"
    )
    max_bytes_held: int = Field(
        1 << 30, gt=0, description="bytes of uploads and results at a time; a single request may have more"
    )
    conversions_per_slot: int = Field(
        3, gt=0, description="conversions at a time for each slot of the workers"
    )
    admission_wait_seconds: float = Field(
        1.0, gt=0, description="wait for room before a request is refused as overload"
    )
    slow_upload_seconds: float = Field(
        30.0, gt=0, description="time in which an upload must bring as many KiB"
    )
    max_upload_seconds: float = Field(900.0, gt=0, description="time for an upload")
    batch_max_files: int = Field(10_000, gt=0, description="files of a batch")
    batch_max_bytes: int = Field(
        1 << 30, gt=0, description="bytes of a batch, as it is sent and with its files unpacked"
    )
