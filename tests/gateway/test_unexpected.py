"""An end that nobody expected is answered, counted and logged like every other end of a request."""

from __future__ import annotations

import asyncio
import json
from types import SimpleNamespace
from typing import cast

import httpx
from prometheus_client import CollectorRegistry
from starlette.types import Message

from gateway.admission import Admission
from gateway.app import create_app
from gateway.job import Services
from gateway.metrics import GatewayMetrics
from gateway.settings import GatewaySettings
from shared.service.buffers import Buffers
from shared.service.lifecycle import Lifecycle
from shared.service.spool import Spool


def test_a_defect_of_ours_is_a_500_that_the_metrics_know() -> None:
    registry = CollectorRegistry()
    broken = cast("Services", object())  # the first use of it fails
    app = create_app(broken, Lifecycle(), GatewayMetrics(registry))

    async def ask() -> httpx.Response:
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://gateway") as client:
            return await client.post("/convert", content=b"image")

    answer = asyncio.run(ask())
    assert (answer.status_code, answer.json()["type"]) == (500, "urn:grisaille:problem:internal")
    labels = {"route": "/convert", "outcome": "internal"}
    assert registry.get_sample_value("grisaille_gateway_requests_total", labels) == 1
    failed = {"route": "/convert", "plan": "none", "outcome": "failed"}
    assert registry.get_sample_value("grisaille_gateway_request_seconds_count", failed) == 1


def test_a_request_that_a_drain_no_longer_waits_for_is_told_to_come_again() -> None:
    registry = CollectorRegistry()
    settings = GatewaySettings()
    admission = Admission.of(settings, lambda: 1, lambda _: None)
    services = SimpleNamespace(settings=settings, admission=admission, buffers=Buffers(Spool()))
    app = create_app(cast("Services", services), Lifecycle(), GatewayMetrics(registry))
    answer: list[Message] = []

    async def send(message: Message) -> None:
        answer.append(message)

    async def ask() -> None:
        begun = asyncio.Event()

        async def receive() -> Message:
            begun.set()
            await asyncio.Event().wait()  # an upload that goes on and on
            raise AssertionError

        scope = {"type": "http", "method": "POST", "path": "/convert", "query_string": b"", "headers": []}
        asked = asyncio.ensure_future(app(scope, receive, send))
        await begun.wait()
        asked.cancel()  # as uvicorn does when its time is over
        await asked

    asyncio.run(ask())
    start, body, *_ = answer
    headers = dict(start["headers"])
    assert (start["status"], headers[b"retry-after"]) == (503, b"1")
    assert json.loads(body["body"])["type"] == "urn:grisaille:problem:unavailable"
    assert admission.bytes_held == 0
    labels = {"route": "/convert", "outcome": "unavailable"}
    assert registry.get_sample_value("grisaille_gateway_requests_total", labels) == 1
