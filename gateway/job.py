"""One image on its way through the gateway: what is to be done, what with, and what came of it."""

from __future__ import annotations

import contextlib
import functools
import time
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, replace

from gateway.admission import Admission, expected_bytes
from gateway.fanout.delivery import Delivered, Fanout
from gateway.fanout.pool import Pool
from gateway.offload import Offload
from gateway.settings import GatewaySettings
from shared.codecs import headers
from shared.codecs.formats import Format, resolve
from shared.codecs.headers import ImageHeader
from shared.codecs.limits import check_writable
from shared.options import Effort, Options
from shared.plan import Plan
from shared.service.buffers import Buffers

Pieces = list[bytes | memoryview]
_SLOW_WEIGHT = 5.0
_IN_PROCESS = {Format.JPEG, Format.PNG}
"""Sources with decoders of ours; all others are read by Pillow."""
_QUICK = _IN_PROCESS | {Format.TIFF}
"""Sources that take some 10 to 20 ns a pixel."""


@dataclass(slots=True)
class Scans:
    """How many entropy scans are under way in this gateway."""

    running: int = 0

    @contextlib.contextmanager
    def one_more(self, *, counts: bool) -> Generator[None]:
        """Until the block is left, if it `counts`."""
        self.running += counts
        try:
            yield
        finally:
            self.running -= counts


@dataclass(frozen=True, slots=True)
class Services:
    """What a conversion needs of the process it runs in."""

    settings: GatewaySettings
    pool: Pool
    fanout: Fanout
    admission: Admission
    offload: Offload
    buffers: Buffers
    """For uploads."""
    scans: Scans


@dataclass(frozen=True, slots=True)
class Result:
    """A grey image and how it came about."""

    pieces: Pieces
    format: Format
    plan: Plan
    parts: Sequence[Delivered[object]] = ()
    notes: tuple[str, ...] = ()
    pixels: int = 0
    """Of the image, where its header tells."""


@dataclass(frozen=True, slots=True)
class Job:
    """One image on its way through the gateway."""

    data: memoryview
    header: ImageHeader
    options: Options
    """With the format resolved."""
    written: Format
    passed_on: Mapping[str, str]
    """Request headers for the workers."""
    deadline: float
    patience: float
    """Seconds to wait for a worker when none is ready; 0 if the image can be converted here."""
    expected: int
    """Bytes of the result, at most."""
    spooled: bool
    """Whether that is too much for memory."""


async def job_of(services: Services, data: memoryview, options: Options, passed_on: Mapping[str, str]) -> Job:
    """What is to be done with an upload that is complete now, by its header."""
    begin = time.monotonic()
    settings = services.settings
    header = await services.offload(functools.partial(headers.read, data, settings.limits), len(data))
    written = resolve(options.format, header.format)
    if header.width and header.height:
        check_writable(header.width, header.height, written)
    megapixels = (header.pixels or settings.max_pixels_whole) / 1e6
    seconds = settings.request_base_seconds + settings.seconds_per_megapixel * megapixels
    options = replace(options, format=written)
    patience = 0.0 if _fits_inline(header, settings) else settings.worker_patience_seconds
    expected = expected_bytes(header, written, len(data))
    spooled = expected > settings.spool_bytes
    return Job(data, header, options, written, passed_on, begin + seconds, patience, expected, spooled)


def _fits_inline(header: ImageHeader, settings: GatewaySettings) -> bool:
    # What only Pillow reads is decoded where a child process can be spared.
    if header.format not in _IN_PROCESS or (header.pixels or 0) > settings.inline_max_pixels:
        return False
    return settings.inline_max_pixels > 0


def kind(job: Job) -> tuple[object, ...]:
    """What the time of a conversion depends on, besides the size."""
    options, header = job.options, job.header
    return (
        header.format,
        header.cuts is None,
        job.written,
        options.luma,
        options.effort,
        options.quality is None,
    )


def weight(job: Job) -> float:
    """Most decoders and encoders that are not ours, and hard compression, take their time."""
    quick = job.header.format in _QUICK and job.written is not Format.WEBP
    return 1.0 if quick and job.options.effort is Effort.FAST else _SLOW_WEIGHT
