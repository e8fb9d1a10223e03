"""The internal port: health, readiness and metrics, never behind an ingress."""

from __future__ import annotations

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from shared.contract import HEALTHZ, METRICS, READYZ
from shared.service.lifecycle import Lifecycle
from shared.service.responses import install_problem_handlers


def internal_app(lifecycle: Lifecycle, registry: CollectorRegistry) -> Starlette:
    """`/healthz` (200 to the end), `/readyz` (503 until started and while draining), `/metrics`."""

    async def healthz(_: Request) -> Response:
        return PlainTextResponse("ok\n")

    async def readyz(_: Request) -> Response:
        if lifecycle.ready:
            return PlainTextResponse("ready\n")
        return PlainTextResponse("draining\n" if lifecycle.draining else "starting\n", 503)

    async def metrics(_: Request) -> Response:
        return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)

    app = Starlette(routes=[Route(HEALTHZ, healthz), Route(READYZ, readyz), Route(METRICS, metrics)])
    install_problem_handlers(app)
    return app
