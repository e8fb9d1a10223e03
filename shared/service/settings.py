"""Settings that gateway and worker have in common, read from ``GRISAILLE_*`` in the environment."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from shared.codecs.limits import DEFAULTS, Limits
from shared.service.logs import LogFormat
from shared.service.spool import Spool


class ServiceSettings(BaseSettings):
    """Validated once at start, passed on as a value; each name is also the one that errors give."""

    model_config = SettingsConfigDict(env_prefix="GRISAILLE_", frozen=True, extra="ignore")

    host: str = Field("0.0.0.0", description="address of the public port")  # noqa: S104 - pods are reached from outside
    port: int = Field(8000, ge=0, le=65535, description="public port")
    internal_host: str = Field("0.0.0.0", description="address of the internal port")  # noqa: S104 - probes come from outside
    internal_port: int = Field(9000, ge=0, le=65535, description="health, readiness and metrics")
    reuse_port: bool = Field(
        default=False, description="share a port that a supervisor keeps reserved for this process"
    )
    exit_with_parent: bool = Field(
        default=False, description="stop when standard input, a supervisor's pipe, is closed"
    )
    keep_alive_seconds: int = Field(
        120, gt=0, description="end a connection on which no request was sent for so long"
    )
    max_connection_seconds: float = Field(
        300.0, gt=0, description="ask clients to connect anew after so long, more or less a tenth"
    )
    slow_download_seconds: float = Field(
        30.0, gt=0, description="time in which a client must take as many KiB of its answer"
    )
    max_download_seconds: float = Field(
        900.0, gt=0, description="time for a client to take a complete answer"
    )
    drain_quiet_seconds: float = Field(
        5.0, ge=0, description="stop once no request came for so long after SIGTERM"
    )
    drain_max_seconds: float = Field(20.0, ge=0, description="stop draining after so long")
    log_level: str = Field(
        "info", pattern="^(debug|info|warning|error)$", description="debug, info, warning or error"
    )
    log_format: LogFormat = Field(LogFormat.JSON, description="json, or text for people to read")

    max_upload_bytes: int = Field(512 << 20, gt=0, description="size of an upload")
    max_pixels: int = Field(
        DEFAULTS.max_pixels, gt=0, description="pixels of an image converted band by band"
    )
    max_pixels_whole: int = Field(
        DEFAULTS.max_pixels_whole, gt=0, description="pixels of an image that is decoded whole"
    )
    max_side: int = Field(DEFAULTS.max_side, gt=0, description="width or height of an image")
    max_segments: int = Field(
        DEFAULTS.max_segments,
        gt=0,
        description="segments of a JPEG before its first scan, and behind it; chunks of a PNG beside pixels",
    )
    max_scans: int = Field(DEFAULTS.max_scans, gt=0, description="scans of a JPEG")
    max_chunks: int = Field(DEFAULTS.max_chunks, gt=0, description="chunks of a PNG")
    max_tiff_entries: int = Field(
        DEFAULTS.max_tiff_entries, gt=0, description="entries of a directory of a TIFF"
    )
    max_tiff_pieces: int = Field(DEFAULTS.max_tiff_pieces, gt=0, description="strips or tiles of a TIFF")
    max_metadata_bytes: int = Field(
        DEFAULTS.max_metadata_bytes, gt=0, description="what stands in an image beside its pixels, as stored"
    )
    max_profile_bytes: int = Field(DEFAULTS.max_profile_bytes, gt=0, description="an ICC profile, inflated")

    spool_bytes: int = Field(
        64 << 20, gt=0, description="an upload or a result of more bytes is kept in a file, not in memory"
    )
    spool_max_bytes: int = Field(2 << 30, gt=0, description="bytes of all those files together")
    spool_dir: Path | None = Field(
        None, description="folder of those files, on a disk; empty: the system's for temporary files"
    )

    @property
    def spool(self) -> Spool:
        """A spool of these settings; a process has one."""
        return Spool(self.spool_dir, self.spool_bytes, self.spool_max_bytes)

    @property
    def limits(self) -> Limits:
        """What a file may claim."""
        return Limits(**{field.name: getattr(self, field.name) for field in dataclasses.fields(Limits)})
