"""``POST /convert``: the image of the body in grey."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import replace

from fastapi import APIRouter, Request
from starlette.requests import ClientDisconnect
from starlette.responses import Response

from gateway import upload as uploads
from gateway.admission import Lease
from gateway.convert import Result, Services, convert
from gateway.metrics import GONE, OK, GatewayMetrics
from gateway.timing import Stages, parts_header
from shared import options as options_module
from shared.codecs.formats import WRITTEN
from shared.contract import CONVERT, NOTE, PARTS, PLAN, REQUEST_ID, SERVER_TIMING
from shared.options import Options
from shared.problems import KINDS, Internal, Problem
from shared.service import body
from shared.service.frames import let_go
from shared.service.logs import event
from shared.service.responses import PiecesResponse

_LOG = logging.getLogger("grisaille.gateway")
_CLIENT_CLOSED = 499

_BINARY = {"schema": {"type": "string", "format": "binary"}}
_DOCS: dict[str, object] = {
    "parameters": options_module.openapi(),
    "requestBody": {
        "required": True,
        "description": "The image itself, or multipart/form-data with exactly one file.",
        "content": {
            "application/octet-stream": _BINARY,
            "multipart/form-data": {"schema": {"type": "object", "properties": {"image": _BINARY["schema"]}}},
        },
    },
}
_RESPONSES: dict[int | str, dict[str, object]] = {
    200: {
        "description": "The grey image, complete.",
        "content": {f.media_type: _BINARY for f in WRITTEN},
    },
    **{
        status: {
            "description": "; ".join(k.title for k in KINDS.values() if k.status == status),
            "content": {"application/problem+json": {"schema": {"type": "object"}}},
        }
        for status in sorted({kind.status for kind in KINDS.values()})
    },
}


def router(services: Services, metrics: GatewayMetrics) -> APIRouter:
    """The route, bound to its services."""
    routes = APIRouter()

    @routes.post(CONVERT, openapi_extra=_DOCS, responses=_RESPONSES, response_class=Response)
    async def convert_image(request: Request) -> Response:
        """Return the image in grey, at the same size."""
        stages = Stages()
        try:
            with let_go():
                return await _answer(request, services, metrics, stages)
        except ClientDisconnect:
            return _nobody_left(request, metrics, stages)
        except Problem as problem:
            metrics.refused(problem, stages.elapsed)
            _log(request, problem.slug, stages, status=problem.status, detail=problem.detail)
            raise
        except Exception:
            metrics.refused(Internal("an unexpected error"), stages.elapsed)
            _log(request, Internal.slug, stages, status=Internal.status)
            raise

    return routes


async def _answer(request: Request, services: Services, metrics: GatewayMetrics, stages: Stages) -> Response:
    options = _options(request)
    lease = services.admission.lease()
    try:
        upload = await uploads.receive(request, services.settings, services.buffers, lease)
        stages.end("receive")
        begin = stages.now
        result = await _unless_gone(request, services, upload.data, options, stages, lease)
        if result is None:
            lease.shrink()
            return _nobody_left(request, metrics, stages)
    except BaseException:
        lease.shrink()
        raise
    headers = _headers(result, upload.filename, stages, begin)
    uploaded, size = len(upload.data), sum(map(len, result.pieces))
    lease.shrink(size)

    def sent(taken: bool) -> None:  # noqa: FBT001 - a callback's
        lease.shrink()
        if not taken:
            _nobody_left(request, metrics, stages)
            return
        stages.end("respond")
        metrics.answered(result.plan.kind, stages, result.parts)
        metrics.converted(result.pixels, uploaded, size)
        _log(request, OK, stages, plan=headers[PLAN], bytes_in=uploaded, bytes_out=size, pixels=result.pixels)

    return PiecesResponse(result.pieces, result.format.media_type, headers, sent=sent)


def _nobody_left(request: Request, metrics: GatewayMetrics, stages: Stages) -> Response:
    metrics.nobody_left(stages.elapsed)
    _log(request, GONE, stages)
    return Response(status_code=_CLIENT_CLOSED)


def _options(request: Request) -> Options:
    options = options_module.parse(request.query_params.multi_items())
    if "format" in request.query_params:
        return options
    return replace(options, format=options_module.accepted(request.headers.get("accept")))


async def _unless_gone(
    request: Request,
    services: Services,
    data: memoryview,
    options: Options,
    stages: Stages,
    lease: Lease,
) -> Result | None:
    """The result, or None once the client has gone: then its parts are cancelled."""
    passed_on = {REQUEST_ID: request.state.request_id, **request.state.trace.headers}
    work = asyncio.ensure_future(convert(services, data, options, passed_on, stages, lease))
    gone = asyncio.ensure_future(body.client_gone(request))
    try:
        await asyncio.wait((work, gone), return_when=asyncio.FIRST_COMPLETED)
        return work.result() if work.done() else None
    finally:
        work.cancel()
        gone.cancel()


def _headers(result: Result, filename: str | None, stages: Stages, begin: float) -> dict[str, str]:
    workers = len({part.worker for part in result.parts})
    plan = result.plan
    headers = {
        "Cache-Control": "no-store",
        "Vary": "Accept",
        "X-Content-Type-Options": "nosniff",
        SERVER_TIMING: stages.header(),
        PLAN: f"{plan.kind}; stripes={plan.stripes}; workers={workers}; reason={plan.reason}",
        PARTS: parts_header(result.parts, begin),
    }
    disposition = uploads.disposition(filename, result.format.extension)
    if disposition is not None:
        headers["Content-Disposition"] = disposition
    if result.notes:
        headers[NOTE] = ", ".join(result.notes)
    return headers


def _log(request: Request, outcome: str, stages: Stages, **fields: object) -> None:
    event(
        _LOG,
        logging.INFO,
        "request",
        request_id=request.state.request_id,
        trace_id=request.state.trace.trace_id,
        outcome=outcome,
        ms={name: round(seconds * 1000, 1) for name, seconds in stages.seconds},
        total_ms=round(stages.elapsed * 1000, 1),
        **fields,
    )
