"""An error that nobody expected is answered, counted and logged like every other end of a request."""

from __future__ import annotations

import asyncio
from typing import cast

import httpx
from prometheus_client import CollectorRegistry

from gateway.app import create_app
from gateway.job import Services
from gateway.metrics import GatewayMetrics
from shared.service.lifecycle import Lifecycle


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
