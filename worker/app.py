"""The worker's public app: routes, problems, and the headers that are on every answer."""

from __future__ import annotations

from starlette.applications import Starlette
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared.contract import CONTRACT, CONTRACTS, LOAD
from shared.service.lifecycle import Lifecycle, TrackRequests
from shared.service.responses import install_problem_handlers
from worker.child import Children
from worker.metrics import WorkerMetrics
from worker.routes import routes
from worker.settings import WorkerSettings
from worker.slots import Slots


class _ContractHeaders:
    """Adds contract number and load to every answer."""

    def __init__(self, app: ASGIApp, slots: Slots) -> None:
        self._app = app
        self._slots = slots

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        asked = Headers(scope=scope).get(CONTRACT)

        async def send_with_load(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers[CONTRACT] = asked if asked in CONTRACTS else CONTRACTS[0]
                headers[LOAD] = self._slots.load
            await send(message)

        await self._app(scope, receive, send_with_load)


def create_app(
    settings: WorkerSettings,
    lifecycle: Lifecycle,
    slots: Slots,
    children: Children,
    metrics: WorkerMetrics,
) -> ASGIApp:
    """The app of the public port."""
    app = Starlette(routes=routes(settings, slots, children, metrics))
    app.router.redirect_slashes = False
    install_problem_handlers(app)
    # Around the whole app, not inside it, so that they see its last-resort errors too.
    return TrackRequests(_ContractHeaders(app, slots), lifecycle)
