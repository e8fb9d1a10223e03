"""``POST /convert`` and ``GET /version`` of a worker."""

from __future__ import annotations

import asyncio
import functools
import logging
import re
import time

from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from shared import options as options_module
from shared.codecs import convert
from shared.codecs.convert import Converted
from shared.codecs.formats import sniff
from shared.codecs.limits import Limits
from shared.contract import CONVERT, DEADLINE_MS, NOTE, REQUEST_ID, TRACEPARENT, VERSION_PATH
from shared.options import WORKER_TABLE, Options
from shared.problems import Internal, InvalidOption, Problem
from shared.service import body
from shared.service.buffers import Buffers
from shared.service.frames import let_go
from shared.service.logs import event
from shared.service.responses import PiecesResponse
from shared.service.spool import Spool
from shared.service.trace import trace_id
from shared.version import VERSION
from worker.arriving import Arriving, received_in_time
from worker.child import Children
from worker.faults import Fault, strike
from worker.metrics import GONE, OK, WorkerMetrics
from worker.settings import WorkerSettings
from worker.slots import Cancel, CancelledByClientError, Slots
from worker.stopwatch import Stopwatch

_LOG = logging.getLogger("grisaille.worker")

_LARGE = 1 << 20
"""Bytes of a body whose way in is worth converting meanwhile."""
_MILLISECONDS = re.compile("[0-9]{1,12}")
_CLIENT_CLOSED = 499
"""Never seen by anyone: the connection is gone."""


def routes(settings: WorkerSettings, slots: Slots, children: Children, metrics: WorkerMetrics) -> list[Route]:
    """The worker's public routes. Plain Starlette: FastAPI would add half a millisecond to each stripe."""
    buffers = Buffers(settings.spool)

    async def convert_image(request: Request) -> Response:
        """Return the image of the body in grey."""
        try:
            with let_go():
                converted = await _converted(request, settings, slots, children, buffers, metrics)
        except (CancelledByClientError, ClientDisconnect):
            metrics.conversions.labels(GONE).inc()
            return Response(status_code=_CLIENT_CLOSED)
        except Problem as problem:
            metrics.conversions.labels(problem.slug).inc()
            _log(request, logging.INFO, problem.slug, detail=problem.detail)
            raise
        except Exception:
            metrics.conversions.labels(Internal.slug).inc()
            raise
        metrics.conversions.labels(OK).inc()
        _log(request, logging.DEBUG, OK)
        headers = {"Cache-Control": "no-store"}
        if converted.notes:
            headers[NOTE] = ", ".join(converted.notes)
        return PiecesResponse(converted.pieces, converted.format.media_type, headers)

    async def version(_: Request) -> Response:
        """Return what runs here."""
        return JSONResponse({"service": "worker", "version": VERSION})

    return [Route(CONVERT, convert_image, methods=["POST"]), Route(VERSION_PATH, version)]


def _log(request: Request, level: int, outcome: str, **fields: object) -> None:
    event(
        _LOG,
        level,
        "conversion",
        request_id=request.headers.get(REQUEST_ID, ""),
        trace_id=trace_id(request.headers.get(TRACEPARENT, "")),
        outcome=outcome,
        **fields,
    )


async def _converted(
    request: Request,
    settings: WorkerSettings,
    slots: Slots,
    children: Children,
    buffers: Buffers,
    metrics: WorkerMetrics,
) -> Converted:
    options = options_module.parse(request.query_params.multi_items(), WORKER_TABLE)
    if options.part and options.format is None:
        raise InvalidOption("part=1 needs a format")
    cancel = Cancel(_seconds(request, settings))
    async with slots.admitted():
        arriving = await _arriving(request, settings, buffers, cancel)
        filling = asyncio.create_task(arriving.fill(request, cancel))
        try:
            if not slots.is_alone or len(arriving.data) < _LARGE:  # no slot is to wait for this body
                await filling
            work = functools.partial(
                _convert,
                arriving,
                options,
                settings,
                children,
                slots,
                _fault(request, settings),
                metrics,
                buffers.spool,
            )
            return await slots.run(work, cancel, functools.partial(_gone, request, filling))
        except asyncio.CancelledError:
            filling.cancel()
            raise
        finally:
            await asyncio.wait([filling])  # the connection is fit for another request only then


async def _arriving(request: Request, settings: WorkerSettings, buffers: Buffers, cancel: Cancel) -> Arriving:
    """The body to come; one whose size is not announced is awaited here."""
    size = body.announced_size(request, settings.max_upload_bytes)
    if size is not None:
        return Arriving(buffers.take(size))
    with received_in_time():
        async with asyncio.timeout(cancel.seconds_left):
            whole = await body.receive(request, settings.max_upload_bytes, buffers, body.Meter())
    return Arriving(whole, filled=len(whole))


async def _gone(request: Request, filling: asyncio.Task[None]) -> None:
    """Return once the client has closed its connection."""
    await asyncio.wait([filling])
    await body.client_gone(request)


def _seconds(request: Request, settings: WorkerSettings) -> float:
    left = _MILLISECONDS.fullmatch(request.headers.get(DEADLINE_MS, ""))
    return min(int(left[0]) / 1000, settings.max_seconds) if left else settings.max_seconds


def _fault(request: Request, settings: WorkerSettings) -> Fault:
    named = request.headers.get(REQUEST_ID, "").startswith(settings.fault_requests)
    return settings.fault if named else Fault.NONE


def _convert(
    arriving: Arriving,
    options: Options,
    settings: WorkerSettings,
    children: Children,
    slots: Slots,
    fault: Fault,
    metrics: WorkerMetrics,
    spool: Spool,
    cancel: Cancel,
) -> Converted:
    """The conversion, in a slot's thread."""
    strike(fault, settings.fault_seconds, cancel)
    stopwatch = Stopwatch(time.perf_counter)

    def by_pillow(data: memoryview, options: Options, limits: Limits) -> Converted:
        stopwatch.pillows()
        return children.convert(data, options, limits, cancel)

    converted = convert.grey(
        arriving.data,
        options,
        settings.limits,
        whole=by_pillow,
        check=cancel.check,
        overlap=slots.may_overlap,
        spare=slots.has_spare and not options.part,
        arrived=stopwatch.arriving(arriving.wait_for),
        watched=stopwatch.watched,
        collect=spool.collected,
    )
    metrics.stepped(sniff(arriving.data), stopwatch.steps())
    return converted
