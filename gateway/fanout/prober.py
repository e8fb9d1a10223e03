"""Looking at workers that are new or gone, so that the first real request meets one that works."""

from __future__ import annotations

import asyncio
from typing import NoReturn

import httpx

from gateway.fanout.attempt import load
from gateway.fanout.endpoints import Endpoints
from gateway.fanout.pool import Pool, Worker
from shared.contract import CONTRACT, CONTRACT_NUMBER, VERSION_PATH

_TIMEOUT_SECONDS = 2.0


async def probe_forever(
    pool: Pool, endpoints: Endpoints, transport: httpx.AsyncBaseTransport, seconds: float
) -> NoReturn:
    """Probe every `seconds`, until cancelled."""
    while True:
        await probe(pool, endpoints, transport)
        await asyncio.sleep(seconds)


async def probe(pool: Pool, endpoints: Endpoints, transport: httpx.AsyncBaseTransport) -> None:
    """Take over the current addresses and ask each absent worker once whether it is there."""
    pool.update(endpoints.current())
    await asyncio.gather(*(_probe(pool, worker, transport) for worker in pool.absent()))


async def _probe(pool: Pool, worker: Worker, transport: httpx.AsyncBaseTransport) -> None:
    try:
        async with asyncio.timeout(_TIMEOUT_SECONDS):
            asked = httpx.Request("GET", worker.url + VERSION_PATH)
            answer = await transport.handle_async_request(asked)
            await answer.aread()
    except (httpx.HTTPError, TimeoutError):
        return
    if answer.is_success and answer.headers.get(CONTRACT) == CONTRACT_NUMBER:
        pool.answered(worker, load(answer.headers))
