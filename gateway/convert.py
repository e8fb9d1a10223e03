"""The path of one request: receive, plan, fan out, merge, respond."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import itertools
import time
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeVar

from gateway import answers
from gateway.admission import Admission, Lease, expected_bytes
from gateway.fanout.attempt import Request as PartRequest
from gateway.fanout.delivery import Delivered, Fanout, Part
from gateway.fanout.pool import Pool
from gateway.offload import Offload
from gateway.settings import GatewaySettings
from gateway.timing import Stages
from shared.codecs import headers
from shared.codecs.formats import Format, resolve
from shared.codecs.headers import ImageHeader
from shared.codecs.jpeg import merge as jpeg_merge
from shared.codecs.jpeg import metadata as jpeg_metadata
from shared.codecs.jpeg import split
from shared.codecs.jpeg.scan import UncleanScanError
from shared.codecs.limits import Limits, check_writable
from shared.codecs.metadata import Metadata
from shared.codecs.png import merge as png_merge
from shared.codecs.png import metadata as png_metadata
from shared.codecs.stripes import Stripe
from shared.codecs.tiff import merge as tiff_merge
from shared.codecs.tiff import metadata as tiff_metadata
from shared.codecs.tiff import split as tiff_split
from shared.options import MAX_STRIPES, Effort, Keep, Luma, Options
from shared.plan import Kind, Plan, plan
from shared.problems import DecoderCrash, NoWorker, Unprocessable, Unsupported
from shared.service.buffers import Buffers

if TYPE_CHECKING:
    from shared.codecs.convert import Converted

_T = TypeVar("_T")
Pieces = list[bytes | memoryview]
_SLOW_WEIGHT = 5.0
_IN_PROCESS = {Format.JPEG, Format.PNG}
"""Sources with decoders of ours; all others are read by Pillow."""
_WAITING_PARTS = 1
"""More stripes than slots: so many are sent ahead, so that no slot waits for its next one."""


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
class _Job:
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


async def convert(
    services: Services,
    data: memoryview,
    options: Options,
    passed_on: Mapping[str, str],
    stages: Stages,
    lease: Lease,
) -> Result:
    """The image in grey; `lease` then covers upload and result. Raises any `Problem`."""
    complete = time.monotonic()
    job = await _job(services, data, options, passed_on)
    await lease.grow(len(data), job.expected, waited=time.monotonic() - complete)
    async with services.admission.conversion(waited=time.monotonic() - complete):
        stages.end("queue")
        try:
            result = await _by_workers(services, job, stages)
        except NoWorker:
            if job.patience:
                raise
            result = await _inline(services, job, stages)
    return replace(result, pixels=job.header.pixels or 0)


async def _job(services: Services, data: memoryview, options: Options, passed_on: Mapping[str, str]) -> _Job:
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
    return _Job(data, header, options, written, passed_on, begin + seconds, patience, expected, spooled)


async def _by_workers(services: Services, job: _Job, stages: Stages) -> Result:
    scanning = services.scans.running > 0
    chosen = plan(job.header, job.written, job.options, services.pool.free_slots, scanning=scanning)
    if chosen.kind is Kind.STRIPES:
        try:
            return await _by_stripes(services, job, chosen, stages)
        except DecoderCrash:
            raise
        except (Unsupported, Unprocessable, UncleanScanError):
            # A decoder that sees the whole file has the last word on it.
            chosen = Plan(Kind.WHOLE, 1, "stripe-refused")
    return await _whole(services, job, chosen, stages)


def _fits_inline(header: ImageHeader, settings: GatewaySettings) -> bool:
    # What only Pillow reads is decoded where a child process can be spared.
    if header.format not in _IN_PROCESS or (header.pixels or 0) > settings.inline_max_pixels:
        return False
    return settings.inline_max_pixels > 0


async def _inline(services: Services, job: _Job, stages: Stages) -> Result:
    stages.end("split")
    converted = await services.offload(functools.partial(_grey, job, services.settings.limits))
    stages.end("work")
    chosen = Plan(Kind.INLINE, 1, "no-worker")
    return Result(list(converted.pieces), converted.format, chosen, notes=converted.notes)


def _grey(job: _Job, limits: Limits) -> Converted:
    # Imported only now: a gateway that has workers never loads a decoder.
    from shared.codecs import convert as codecs  # noqa: PLC0415

    return codecs.grey(job.data, job.options, limits)


async def _whole(services: Services, job: _Job, chosen: Plan, stages: Stages) -> Result:
    options = replace(job.options, stripes=None)
    request = PartRequest((job.data,), options, job.passed_on, job.spooled)
    pixels = job.header.pixels or services.settings.max_pixels_whole
    stages.end("split")

    def verify(body: memoryview) -> memoryview:
        return answers.complete(body, job.header, job.written, services.settings.limits)

    part = Part(request, _kind(job), pixels, _weight(job), verify)
    done = await services.fanout.deliver(part, job.deadline, job.patience)
    stages.end_with(done)
    return Result([done.value], job.written, chosen, (done,), done.answer.notes)


def _kind(job: _Job) -> tuple[object, ...]:
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


def _weight(job: _Job) -> float:
    """Decoders and encoders that are not ours, and hard compression, take their time."""
    ours = job.header.format in _IN_PROCESS and job.written is not Format.WEBP
    return 1.0 if ours and job.options.effort is Effort.FAST else _SLOW_WEIGHT


async def _by_stripes(services: Services, job: _Job, chosen: Plan, stages: Stages) -> Result:
    if job.written is Format.PNG:
        return await _merged(services, job, chosen, stages, png_merge.part, _merge_png)
    if job.written is Format.TIFF:
        return await _merged(services, job, chosen, stages, tiff_merge.part, _merge_tiff)
    return await _merged(services, job, chosen, stages, jpeg_merge.part, _merge_jpeg)


async def _merged(
    services: Services,
    job: _Job,
    chosen: Plan,
    stages: Stages,
    verify: Callable[[memoryview, int, int], _T],
    merge: Callable[[_Job, list[_T]], Pieces],
) -> Result:
    parts = _parts(job, chosen.stripes, verify)
    done = await _delivered(services, job, parts, chosen.stripes, stages)
    stages.end_with(max(done, key=lambda part: part.answer.ended))
    pieces = await services.offload(functools.partial(merge, job, [part.value for part in done]))
    noted = [note for part in done for note in part.answer.notes]
    notes = tuple(dict.fromkeys([*job.header.notes, *noted]))
    stages.end("merge")
    return Result(pieces, job.written, replace(chosen, stripes=len(done)), done, notes)


def _parts(job: _Job, count: int, verify: Callable[[memoryview, int, int], _T]) -> Iterator[Part[_T]]:
    """The stripes of an image as parts, each as soon as its borders are known."""
    width = job.header.width or 0
    for stripe in _stripes(job, count):
        options = replace(job.options, rows=stripe.crop, part=True, stripes=None)
        yield Part(
            PartRequest(stripe.pieces, options, job.passed_on, job.spooled),
            (*_kind(job), "stripe"),
            stripe.height * width,
            _weight(job),
            functools.partial(_verified, verify, width, stripe.rows),
        )


def _stripes(job: _Job, count: int) -> Iterator[Stripe]:
    match job.header.cuts:
        case split.Cuts() as cuts:
            halo = job.options.luma is not Luma.BT601 and split.needs_halo(cuts.jpeg)
            return split.stripes(job.data, cuts, count, halo=halo)
        case tiff_split.Cuts() as cuts:
            return tiff_split.stripes(job.data, cuts, count)
        case None:
            raise NoWorker("nothing to cut")


async def _delivered(
    services: Services, job: _Job, parts: Iterator[Part[_T]], stripes: int, stages: Stages
) -> list[Delivered[_T]]:
    """All parts, each sent as soon as it is there; the first error, if one fails: then all are cancelled."""
    # Slices are all there at once, if there are slots for all; what a scan has to find is awaited one by one.
    scan = job.header.cuts is not None and job.header.cuts.needs_scan
    most = max(services.pool.free_slots, 1) + _WAITING_PARTS
    at_a_time = 1 if scan or stripes > most else MAX_STRIPES
    tasks: list[asyncio.Task[Delivered[_T]]] = []
    try:
        with services.scans.one_more(counts=scan):
            while found := await services.offload(lambda: list(itertools.islice(parts, at_a_time))):
                if not tasks:
                    stages.end("split")
                tasks += [
                    asyncio.create_task(services.fanout.deliver(part, job.deadline, job.patience))
                    for part in found
                ]
                await _fewer_than(most, tasks)
        return await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()


async def _fewer_than(most: int, tasks: Sequence[asyncio.Task[_T]]) -> None:
    """Wait until fewer are under way; raises the error of one that fails."""
    while len(running := [task for task in tasks if not task.done()]) >= most:
        done, _ = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()


def _verified(verify: Callable[[memoryview, int, int], _T], width: int, rows: int, body: memoryview) -> _T:
    return verify(body, width, rows)


def _metadata(job: _Job) -> Metadata:
    if job.options.metadata is Keep.STRIP:
        return Metadata()
    match job.header.cuts:
        case split.Cuts(jpeg=jpeg):
            return jpeg_metadata.read(jpeg)
        case tiff_split.Cuts(tiff=tiff):
            return tiff_metadata.read(job.data, tiff.directory)
        case None:
            return Metadata()


def _merge_png(job: _Job, parts: list[png_merge.PngPart]) -> Pieces:
    return png_merge.merge(parts, png_metadata.write(_metadata(job)))


def _merge_jpeg(job: _Job, parts: list[jpeg_merge.JpegPart]) -> Pieces:
    return jpeg_merge.merge(parts, jpeg_metadata.write(_metadata(job)))


def _merge_tiff(job: _Job, parts: list[tiff_merge.TiffPart]) -> Pieces:
    return tiff_merge.merge(parts, tiff_metadata.write(_metadata(job)))
