"""The path of one request: receive, plan, fan out, merge, respond."""

from __future__ import annotations

import functools
import time
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from gateway import answers
from gateway.admission import Lease
from gateway.fanout.attempt import Request as PartRequest
from gateway.fanout.delivery import Part
from gateway.job import Job, Result, Services, job_of, kind, weight
from gateway.stripes import by_stripes
from gateway.timing import Stages
from shared.codecs.jpeg.scan import UncleanScanError
from shared.codecs.limits import Limits
from shared.options import Options
from shared.plan import Kind, Plan, plan
from shared.problems import DecoderCrash, NoWorker, Unprocessable, Unsupported

if TYPE_CHECKING:
    from shared.codecs.convert import Converted


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
    job = await job_of(services, data, options, passed_on)
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


async def _by_workers(services: Services, job: Job, stages: Stages) -> Result:
    scanning = services.scans.running > 0
    chosen = plan(job.header, job.written, job.options, services.pool.free_slots, scanning=scanning)
    if chosen.kind is Kind.STRIPES:
        try:
            return await by_stripes(services, job, chosen, stages)
        except DecoderCrash:
            raise
        except (Unsupported, Unprocessable, UncleanScanError):
            # A decoder that sees the whole file has the last word on it.
            chosen = Plan(Kind.WHOLE, 1, "stripe-refused")
    return await _whole(services, job, chosen, stages)


async def _inline(services: Services, job: Job, stages: Stages) -> Result:
    stages.end("split")
    converted = await services.offload(functools.partial(_grey, job, services.settings.limits))
    stages.end("work")
    chosen = Plan(Kind.INLINE, 1, "no-worker")
    return Result(list(converted.pieces), converted.format, chosen, notes=converted.notes)


def _grey(job: Job, limits: Limits) -> Converted:
    # Imported only now: a gateway that has workers never loads a decoder.
    from shared.codecs import convert as codecs  # noqa: PLC0415

    return codecs.grey(job.data, job.options, limits)


async def _whole(services: Services, job: Job, chosen: Plan, stages: Stages) -> Result:
    options = replace(job.options, stripes=None)
    request = PartRequest((job.data,), options, job.passed_on, job.spooled)
    pixels = job.header.pixels or services.settings.max_pixels_whole
    stages.end("split")

    def verify(body: memoryview) -> memoryview:
        return answers.complete(body, job.header, job.written, services.settings.limits)

    part = Part(request, kind(job), pixels, weight(job), verify)
    done = await services.fanout.deliver(part, job.deadline, job.patience)
    stages.end_with(done)
    return Result([done.value], job.written, chosen, (done,), done.answer.notes)
