"""The gateway's public app: routes, problems, request ids."""

from __future__ import annotations

import functools
import re
import secrets
import uuid

from fastapi import FastAPI
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway import openapi
from gateway.job import Services
from gateway.metrics import GatewayMetrics
from gateway.routes import batch, convert, page, version
from shared.contract import REQUEST_ID, TRACEPARENT, TRACESTATE
from shared.service.lifecycle import Lifecycle, TrackRequests
from shared.service.responses import install_problem_handlers
from shared.service.trace import joined
from shared.version import VERSION

_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,128}")


class _Identity:
    """Takes the caller's request id and trace, makes what is missing or ill formed; answers carry the id."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        given = Headers(scope=scope).get(REQUEST_ID, "")
        request_id = given if _REQUEST_ID.fullmatch(given) else uuid.uuid4().hex
        headers = Headers(scope=scope)
        trace = joined(headers.get(TRACEPARENT, ""), headers.get(TRACESTATE, ""), secrets.token_bytes)
        scope.setdefault("state", {}).update(request_id=request_id, trace=trace)

        async def send_with_id(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message)[REQUEST_ID] = request_id
            await send(message)

        await self._app(scope, receive, send_with_id)


def create_app(services: Services, lifecycle: Lifecycle, metrics: GatewayMetrics) -> ASGIApp:
    """The app of the public port."""
    app = FastAPI(
        title="Grisaille",
        version=VERSION,
        redirect_slashes=False,
        docs_url=None,  # FastAPI's own loads from other hosts
        redoc_url=None,
        description="Colour images to greyscale at the same resolution, split over many workers.",
    )
    app.include_router(convert.router(services, metrics))
    app.include_router(batch.router(services, metrics))
    app.include_router(version.routes)
    app.openapi = functools.partial(openapi.document, app)  # type: ignore[method-assign]  # FastAPI's way
    app.router.routes.extend(page.routes)
    install_problem_handlers(app)
    # Around the whole app, not inside it, so that they see its last-resort errors too.
    return TrackRequests(_Identity(app), lifecycle)
