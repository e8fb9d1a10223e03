"""``POST /convert`` and ``GET /version`` of a worker."""

from __future__ import annotations

import asyncio
import functools

from fastapi import APIRouter, Request
from starlette.requests import ClientDisconnect
from starlette.responses import JSONResponse, Response

from shared import options as options_module
from shared.codecs import convert
from shared.codecs.convert import Converted
from shared.codecs.limits import Limits
from shared.contract import CONVERT, DEADLINE_MS, NOTE, VERSION_PATH
from shared.options import WORKER_TABLE, Options
from shared.problems import DeadlineExceeded, InvalidOption, Problem
from shared.service import body
from shared.service.buffers import Buffers
from shared.service.responses import PiecesResponse
from shared.version import VERSION
from worker.child import Children
from worker.metrics import GONE, OK, WorkerMetrics
from worker.settings import WorkerSettings
from worker.slots import Cancel, CancelledByClientError, Slots

_CLIENT_CLOSED = 499
"""Never seen by anyone: the connection is gone."""


def router(settings: WorkerSettings, slots: Slots, children: Children, metrics: WorkerMetrics) -> APIRouter:
    """The worker's public routes."""
    routes = APIRouter()
    buffers = Buffers()

    @routes.post(CONVERT, openapi_extra={"parameters": options_module.openapi(WORKER_TABLE)})
    async def convert_image(request: Request) -> Response:
        """Return the image of the body in grey."""
        try:
            converted = await _converted(request, settings, slots, children, buffers)
        except (CancelledByClientError, ClientDisconnect):
            metrics.conversions.labels(GONE).inc()
            return Response(status_code=_CLIENT_CLOSED)
        except Problem as problem:
            metrics.conversions.labels(problem.slug).inc()
            raise
        metrics.conversions.labels(OK).inc()
        headers = {"Cache-Control": "no-store"}
        if converted.notes:
            headers[NOTE] = ", ".join(converted.notes)
        return PiecesResponse(converted.pieces, converted.format.media_type, headers)

    @routes.get(VERSION_PATH)
    async def version() -> Response:
        """Return what runs here."""
        return JSONResponse({"service": "worker", "version": VERSION})

    return routes


async def _converted(
    request: Request, settings: WorkerSettings, slots: Slots, children: Children, buffers: Buffers
) -> Converted:
    options = options_module.parse(request.query_params.multi_items(), WORKER_TABLE)
    if options.part and options.format is None:
        raise InvalidOption("part=1 needs a format")
    cancel = Cancel(_seconds(request, settings))
    async with slots.admitted():
        try:
            async with asyncio.timeout(cancel.seconds_left):
                data = await body.receive(request, settings.max_upload_bytes, buffers)
        except TimeoutError as exc:
            raise DeadlineExceeded("the deadline passed while the image was received") from exc
        work = functools.partial(_convert, data, options, settings.limits, children, slots)
        return await slots.run(work, cancel, functools.partial(body.client_gone, request))


def _seconds(request: Request, settings: WorkerSettings) -> float:
    left = request.headers.get(DEADLINE_MS)
    if left is None or not (left.isascii() and left.isdigit()):
        return settings.max_seconds
    return min(int(left) / 1000, settings.max_seconds)


def _convert(
    data: memoryview,
    options: Options,
    limits: Limits,
    children: Children,
    slots: Slots,
    cancel: Cancel,
) -> Converted:
    """The conversion, in a slot's thread."""
    return convert.grey(
        data,
        options,
        limits,
        whole=functools.partial(children.convert, cancel=cancel),
        check=cancel.check,
        overlap=slots.is_alone,
        spare=slots.has_spare and not options.part,
    )
