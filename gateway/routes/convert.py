"""``POST /convert``: the image of the body in grey."""

from __future__ import annotations

import asyncio

from fastapi import APIRouter, Request
from starlette.responses import Response

from gateway import openapi
from gateway import upload as uploads
from gateway.admission import Lease
from gateway.convert import convert
from gateway.job import Result, Services
from gateway.metrics import OK, GatewayMetrics
from gateway.routes import asking
from gateway.timing import Stages, parts_header
from shared.contract import CONVERT, NOTE, PARTS, PLAN, SERVER_TIMING
from shared.options import Options
from shared.service import body
from shared.service.responses import PiecesResponse

_DOCS: dict[str, object] = {"parameters": openapi.parameters(), "requestBody": openapi.image_body()}
_RESPONSES = openapi.image_answer() | openapi.problems([400, 408, 413, 415, 422, 500, 503, 504])


def router(services: Services, metrics: GatewayMetrics) -> APIRouter:
    """The route, bound to its services."""
    routes = APIRouter()

    @routes.post(CONVERT, openapi_extra=_DOCS, responses=_RESPONSES, response_class=Response)
    async def convert_image(request: Request) -> Response:
        """Return the image in grey, at the same size.

        curl --data-binary @photo.jpg localhost:5006/convert -o grey.jpg
        """
        stages = Stages()
        return await asking.told(_answer(request, services, metrics, stages), request, metrics, stages)

    return routes


async def _answer(request: Request, services: Services, metrics: GatewayMetrics, stages: Stages) -> Response:
    options = asking.options(request)
    lease = services.admission.lease()
    try:
        upload = await uploads.receive(request, services.settings, services.buffers, lease)
        stages.end("receive")
        begin = stages.now
        result = await _unless_gone(request, services, upload.data, options, stages, lease)
        if result is None:
            lease.shrink()
            return asking.nobody_left(request, metrics, stages)
    except BaseException:
        lease.shrink()
        raise
    headers = _headers(result, upload.filename, stages, begin)
    uploaded, size = len(upload.data), sum(map(len, result.pieces))
    lease.shrink(size)

    def sent(taken: bool) -> None:  # noqa: FBT001 - a callback's
        lease.shrink()
        if not taken:
            asking.nobody_left(request, metrics, stages)
            return
        stages.end("respond")
        metrics.answered(result.plan.kind, stages, result.parts, CONVERT)
        metrics.converted(result.pixels, uploaded, size)
        asking.log(
            request, OK, stages, plan=headers[PLAN], bytes_in=uploaded, bytes_out=size, pixels=result.pixels
        )

    return PiecesResponse(result.pieces, result.format.media_type, headers, sent=sent)


async def _unless_gone(
    request: Request,
    services: Services,
    data: memoryview,
    options: Options,
    stages: Stages,
    lease: Lease,
) -> Result | None:
    """The result, or None once the client has gone: then its parts are cancelled."""
    passed_on = asking.passed_on(request)
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
