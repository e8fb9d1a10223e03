"""``POST /batch``: the images of the body in grey, as a zip archive."""

from __future__ import annotations

from datetime import UTC, datetime

from fastapi import APIRouter, Request
from starlette.responses import Response

from gateway import openapi
from gateway.batch.files import Date
from gateway.batch.receive import receive
from gateway.batch.response import StreamedResponse
from gateway.batch.work import Batch
from gateway.job import Services
from gateway.metrics import GONE, GatewayMetrics
from gateway.routes import asking
from gateway.timing import Stages
from shared.contract import BATCH

_DOCS: dict[str, object] = {"parameters": openapi.parameters(), "requestBody": openapi.batch_body()}
_RESPONSES = openapi.batch_answer() | openapi.problems([400, 408, 413, 415, 500, 503])
_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Disposition": 'attachment; filename="grey.zip"',
    "Vary": "Accept",
    "X-Content-Type-Options": "nosniff",
}


def router(services: Services, metrics: GatewayMetrics) -> APIRouter:
    """The route, bound to its services."""
    routes = APIRouter()

    @routes.post(BATCH, openapi_extra=_DOCS, responses=_RESPONSES, response_class=Response)
    async def convert_batch(request: Request) -> Response:
        """Return all images in grey, as a zip archive.

            curl -F a=@1.jpg -F b=@2.png localhost:5006/batch -o grey.zip
            curl --data-binary @photos.zip localhost:5006/batch -o grey.zip

        A file that cannot be converted is reported in the archive and does no harm to the others.
        """
        stages = Stages()
        return await asking.told(_answer(request, services, metrics, stages), request, metrics, stages)

    return routes


async def _answer(request: Request, services: Services, metrics: GatewayMetrics, stages: Stages) -> Response:
    options = asking.options(request)
    files = await receive(request, services.settings, services.offload, services.buffers.spool)
    stages.end("receive")
    batch = Batch(services, metrics, files, options, asking.passed_on(request), _date(datetime.now(UTC)))

    def ended(outcome: str) -> None:
        if outcome == GONE:
            metrics.nobody_left(stages.elapsed, BATCH)
        stages.end("respond")
        counts = batch.counts
        asking.log(
            request,
            outcome,
            stages,
            files=len(files),
            converted=counts.converted,
            failed=len(counts.problems),
            bytes_in=counts.bytes_in,
            bytes_out=counts.bytes_out,
        )

    return StreamedResponse(batch.run, "application/zip", _HEADERS, ended)


def _date(moment: datetime) -> Date:
    return moment.year, moment.month, moment.day, moment.hour, moment.minute, moment.second
