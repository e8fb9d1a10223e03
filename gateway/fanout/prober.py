"""Looking at workers that are new or gone, so that the first real request meets one that works."""

from __future__ import annotations

import asyncio
from typing import NoReturn

import httpx

from gateway.fanout.attempt import load
from gateway.fanout.pool import Pool, Worker
from shared.contract import CONTRACT, CONTRACTS, VERSION_PATH

_TIMEOUT_SECONDS = 2.0


async def probe_forever(pool: Pool, transport: httpx.AsyncBaseTransport, seconds: float) -> NoReturn:
    """Probe absent workers every `seconds`, until cancelled; one that does not answer holds up no other."""
    probing: dict[Worker, asyncio.Task[None]] = {}
    try:
        while True:
            for worker in pool.absent():
                if worker not in probing or probing[worker].done():
                    probing[worker] = asyncio.create_task(probe(pool, worker, transport))
            probing = {worker: task for worker, task in probing.items() if not task.done()}
            await asyncio.sleep(seconds)
    finally:
        for task in probing.values():
            task.cancel()


async def probe(pool: Pool, worker: Worker, transport: httpx.AsyncBaseTransport) -> None:
    """Ask an absent worker whether it is there and speaks our contract."""
    try:
        async with asyncio.timeout(_TIMEOUT_SECONDS):
            asked = httpx.Request("GET", worker.url + VERSION_PATH, headers={CONTRACT: CONTRACTS[0]})
            answer = await transport.handle_async_request(asked)
            await answer.aread()
    except (httpx.HTTPError, TimeoutError):
        return
    if answer.is_success and answer.headers.get(CONTRACT) in CONTRACTS:
        pool.probed(worker, load(answer.headers))
