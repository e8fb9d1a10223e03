"""Two uvicorn servers in one process, with the signals in our own hands.

uvicorn's handlers close the listener the moment SIGTERM arrives, and chain badly when two servers
share a process. Ours keep serving until it is quiet, then stop the public server, then the internal.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import gc
import logging
import os
import signal
import socket
import sys
from collections.abc import Awaitable, Callable, Generator
from typing import cast

import uvicorn
import uvloop
from starlette.types import ASGIApp

from shared.service.guard import GuardedConnection
from shared.service.lifecycle import Lifecycle
from shared.service.logs import event
from shared.service.settings import ServiceSettings

_LOG = logging.getLogger("grisaille.service")
GRACEFUL_SECONDS = 25
_POLL_SECONDS = 0.05


class _Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None]:
        """Leave the signals alone: `_Drain` owns them."""
        yield


def _listener(host: str, port: int, *, reuse_port: bool) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if reuse_port:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    listener.bind((host, port))
    return listener


def _server(app: ASGIApp, settings: ServiceSettings) -> _Server:
    config = uvicorn.Config(
        app,
        http=cast("type[asyncio.Protocol]", functools.partial(GuardedConnection, settings=settings)),
        ws="none",
        lifespan="off",
        access_log=False,
        log_config=None,
        server_header=False,
        timeout_keep_alive=settings.keep_alive_seconds,
        timeout_graceful_shutdown=GRACEFUL_SECONDS,
    )
    return _Server(config)


def run(
    settings: ServiceSettings,
    lifecycle: Lifecycle,
    public: ASGIApp,
    internal: ASGIApp,
    prepare: Callable[[], Awaitable[None]],
    close: Callable[[], Awaitable[None]],
) -> None:
    """Serve until told to stop.

    The internal port opens first; `prepare` runs before the public one opens, `close` after it shut.
    """
    gc.freeze()  # what was imported stays: no collection need look at it again
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_run(settings, lifecycle, public, internal, prepare, close))


async def _run(
    settings: ServiceSettings,
    lifecycle: Lifecycle,
    public: ASGIApp,
    internal: ASGIApp,
    prepare: Callable[[], Awaitable[None]],
    close: Callable[[], Awaitable[None]],
) -> None:
    stop = asyncio.Event()
    _on_stop(stop, settings)
    reuse = settings.reuse_port
    public_socket = _listener(settings.host, settings.port, reuse_port=reuse)
    internal_socket = _listener(settings.internal_host, settings.internal_port, reuse_port=reuse)
    internal_server, public_server = _server(internal, settings), _server(public, settings)
    internal_task = asyncio.create_task(internal_server.serve(sockets=[internal_socket]))
    try:
        if await _first(prepare(), stop.wait()):
            public_task = asyncio.create_task(public_server.serve(sockets=[public_socket]))
            lifecycle.started = True
            event(_LOG, logging.INFO, "ready", port=public_socket.getsockname()[1])
            await _first(public_task, stop.wait())
            await _drain(settings, lifecycle)
            public_server.should_exit = True
            await public_task
        await close()
    finally:
        internal_server.should_exit = True
        await internal_task
        event(_LOG, logging.INFO, "stopped")


async def _first(work: Awaitable[object], stop: Awaitable[object]) -> bool:
    """Wait for whichever ends first; whether it was the work. Its errors are raised here."""
    tasks = [asyncio.ensure_future(work), asyncio.ensure_future(stop)]
    await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    done = tasks[0].done()
    tasks[1].cancel()
    if done:
        await tasks[0]
    return done


def _on_stop(stop: asyncio.Event, settings: ServiceSettings) -> None:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    if settings.exit_with_parent:

        def parent_gone() -> None:
            if not os.read(sys.stdin.fileno(), 1):
                loop.remove_reader(sys.stdin.fileno())
                stop.set()

        loop.add_reader(sys.stdin.fileno(), parent_gone)


async def _drain(settings: ServiceSettings, lifecycle: Lifecycle) -> None:
    """Go on serving, no longer ready, until no request came for a while."""
    lifecycle.draining = True
    event(_LOG, logging.INFO, "draining", in_flight=lifecycle.in_flight)
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(settings.drain_max_seconds):
            while lifecycle.in_flight or lifecycle.quiet_for() < settings.drain_quiet_seconds:
                await asyncio.sleep(_POLL_SECONDS)
