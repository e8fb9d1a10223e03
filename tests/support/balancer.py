"""A small balancer that honours readiness: new connections go to gateways that say they are ready."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Iterator, Sequence
from itertools import count

import httpx
from support.stack import Server

_CHECK_SECONDS = 0.1


class _Balancer:
    def __init__(self, gateways: Sequence[Server]) -> None:
        self._gateways = gateways
        self._ready: list[Server] = []
        self._turn = count()
        self.port = 0
        self.listening = threading.Event()
        self.stop = threading.Event()

    async def run(self) -> None:
        server = await asyncio.start_server(self._connected, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        async with httpx.AsyncClient(timeout=1) as client:
            while not self.stop.is_set():
                self._ready = [gateway for gateway in self._gateways if await _is_ready(client, gateway)]
                self.listening.set()
                await asyncio.sleep(_CHECK_SECONDS)
        server.close()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        gateway = self._ready[next(self._turn) % len(self._ready)]
        to_reader, to_writer = await asyncio.open_connection(gateway.host, gateway.port)
        await asyncio.gather(_pump(reader, to_writer), _pump(to_reader, writer))


async def _is_ready(client: httpx.AsyncClient, gateway: Server) -> bool:
    try:
        return (await client.get(f"http://{gateway.host}:{gateway.internal}/readyz")).is_success
    except httpx.TransportError:
        return False


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(ConnectionError), contextlib.closing(writer):
        while piece := await reader.read(1 << 16):
            writer.write(piece)
            await writer.drain()


@contextlib.contextmanager
def balanced(gateways: Sequence[Server]) -> Iterator[str]:
    """The balancer's URL."""
    balancer = _Balancer(gateways)
    thread = threading.Thread(target=lambda: asyncio.run(balancer.run()), daemon=True)
    thread.start()
    assert balancer.listening.wait(10)
    try:
        yield f"http://127.0.0.1:{balancer.port}"
    finally:
        balancer.stop.set()
        thread.join(10)
