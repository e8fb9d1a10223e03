"""An image in stripes: cut, sent to several workers, and joined."""

from __future__ import annotations

import asyncio
import functools
import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import TypeVar

from gateway.fanout.attempt import Request as PartRequest
from gateway.fanout.delivery import Delivered, Part
from gateway.job import Job, Pieces, Result, Services, kind, weight
from gateway.timing import Stages
from shared.codecs.formats import Format
from shared.codecs.jpeg import merge as jpeg_merge
from shared.codecs.jpeg import metadata as jpeg_metadata
from shared.codecs.jpeg import split
from shared.codecs.metadata import Metadata
from shared.codecs.png import merge as png_merge
from shared.codecs.png import metadata as png_metadata
from shared.codecs.stripes import Stripe
from shared.codecs.tiff import merge as tiff_merge
from shared.codecs.tiff import metadata as tiff_metadata
from shared.codecs.tiff import split as tiff_split
from shared.options import MAX_STRIPES, Keep, Luma
from shared.plan import Plan
from shared.problems import NoWorker

_T = TypeVar("_T")
_WAITING_PARTS = 1
"""More stripes than slots: so many are sent ahead, so that no slot waits for its next one."""


async def by_stripes(services: Services, job: Job, chosen: Plan, stages: Stages) -> Result:
    """The grey image; raises any `Problem`, and `UncleanScanError` where a scan finds its data unclean."""
    if job.written is Format.PNG:
        return await _merged(services, job, chosen, stages, png_merge.part, _merge_png)
    if job.written is Format.TIFF:
        return await _merged(services, job, chosen, stages, tiff_merge.part, _merge_tiff)
    return await _merged(services, job, chosen, stages, jpeg_merge.part, _merge_jpeg)


async def _merged(
    services: Services,
    job: Job,
    chosen: Plan,
    stages: Stages,
    verify: Callable[[memoryview, int, int], _T],
    merge: Callable[[Job, list[_T]], Pieces],
) -> Result:
    parts = _parts(job, chosen.stripes, verify)
    done = await _delivered(services, job, parts, chosen.stripes, stages)
    stages.end_with(max(done, key=lambda part: part.answer.ended))
    pieces = await services.offload(functools.partial(merge, job, [part.value for part in done]))
    noted = [note for part in done for note in part.answer.notes]
    notes = tuple(dict.fromkeys([*job.header.notes, *noted]))
    stages.end("merge")
    return Result(pieces, job.written, replace(chosen, stripes=len(done)), done, notes)


def _parts(job: Job, count: int, verify: Callable[[memoryview, int, int], _T]) -> Iterator[Part[_T]]:
    """The stripes of an image as parts, each as soon as its borders are known."""
    width = job.header.width or 0
    for stripe in _stripes(job, count):
        options = replace(job.options, rows=stripe.crop, part=True, stripes=None)
        yield Part(
            PartRequest(stripe.pieces, options, job.passed_on, job.spooled),
            (*kind(job), "stripe"),
            stripe.height * width,
            weight(job),
            functools.partial(_verified, verify, width, stripe.rows),
        )


def _stripes(job: Job, count: int) -> Iterator[Stripe]:
    match job.header.cuts:
        case split.Cuts() as cuts:
            halo = job.options.luma is not Luma.BT601 and split.needs_halo(cuts.jpeg)
            return split.stripes(job.data, cuts, count, halo=halo)
        case tiff_split.Cuts() as cuts:
            return tiff_split.stripes(job.data, cuts, count)
        case None:
            raise NoWorker("nothing to cut")


async def _delivered(
    services: Services, job: Job, parts: Iterator[Part[_T]], stripes: int, stages: Stages
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
        await asyncio.gather(*tasks, return_exceptions=True)  # their slots are free then


async def _fewer_than(most: int, tasks: Sequence[asyncio.Task[_T]]) -> None:
    """Wait until fewer are under way; raises the error of one that fails."""
    while len(running := [task for task in tasks if not task.done()]) >= most:
        done, _ = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()


def _verified(verify: Callable[[memoryview, int, int], _T], width: int, rows: int, body: memoryview) -> _T:
    return verify(body, width, rows)


def _metadata(job: Job) -> Metadata:
    if job.options.metadata is Keep.STRIP:
        return Metadata()
    match job.header.cuts:
        case split.Cuts(jpeg=jpeg):
            return jpeg_metadata.read(jpeg)
        case tiff_split.Cuts(tiff=tiff):
            return tiff_metadata.read(job.data, tiff.directory)
        case None:
            return Metadata()


def _merge_png(job: Job, parts: list[png_merge.PngPart]) -> Pieces:
    return png_merge.merge(parts, png_metadata.write(_metadata(job)))


def _merge_jpeg(job: Job, parts: list[jpeg_merge.JpegPart]) -> Pieces:
    return jpeg_merge.merge(parts, jpeg_metadata.write(_metadata(job)))


def _merge_tiff(job: Job, parts: list[tiff_merge.TiffPart]) -> Pieces:
    return tiff_merge.merge(parts, tiff_metadata.write(_metadata(job)))
