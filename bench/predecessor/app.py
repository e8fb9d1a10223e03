"""`python -m bench.predecessor.app MASTER STRIPES`: `POST /convert`; prints the port it listens on.

`Server-Timing` has the names of Grisaille's stages for the same things, so that both can be compared.
"""

from __future__ import annotations

import contextlib
import functools
import io
import itertools
import socket
import sys
import time
from collections.abc import Sequence

import uvicorn
from PIL import Image
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bench.predecessor import wire


class Stages:
    """Consecutive stages of one request."""

    def __init__(self) -> None:
        self._last = time.perf_counter()
        self._entries: list[str] = []

    def end(self, name: str) -> None:
        """The stage ends now, and the next one begins."""
        now = time.perf_counter()
        self._entries.append(f"{name};dur={(now - self._last) * 1000:.1f}")
        self._last = now

    @property
    def header(self) -> str:
        """`Server-Timing`."""
        return ", ".join(self._entries)


def main() -> None:
    master, stripes = map(int, sys.argv[1:])
    app = Starlette(routes=[Route("/convert", functools.partial(_answer, master, stripes), methods=["POST"])])
    with socket.create_server((wire.HOST, 0)) as listener:
        print(listener.getsockname()[1], flush=True)
        uvicorn.Server(uvicorn.Config(app, log_level="warning")).run([listener])


async def _answer(master: int, count: int, request: Request) -> Response:
    stages = Stages()
    upload = await request.body()
    stages.end("receive")
    result = await run_in_threadpool(_convert, upload, master, count, stages)
    return Response(result, media_type="image/png", headers={"Server-Timing": stages.header})


def _convert(upload: bytes, master: int, count: int, stages: Stages) -> bytes:
    size, stripes = cut(upload, count)
    stages.end("split")
    with contextlib.ExitStack() as stack:
        connections = [stack.enter_context(_sent(master, stripe)) for stripe in stripes]
        stages.end("send")
        lengths = [wire.receive_length(connection) for connection in connections]
        stages.end("work")
        answers = list(map(wire.receive_body, connections, lengths))
    stages.end("return")
    result = joined(size, answers)
    stages.end("merge")
    return result


def cut(upload: bytes, count: int) -> tuple[tuple[int, int], list[bytes]]:
    """The picture's size, and its stripes as PNG."""
    with Image.open(io.BytesIO(upload)) as picture:
        width, height = picture.size
        edges = [height * index // count for index in range(count + 1)]
        boxes = [(0, top, width, bottom) for top, bottom in itertools.pairwise(edges)]
        return picture.size, [_png(picture.crop(box)) for box in boxes]


def joined(size: tuple[int, int], stripes: Sequence[bytes]) -> bytes:
    """Grey stripes below each other, as PNG."""
    picture = Image.new("L", size)
    top = 0
    for data in stripes:
        with Image.open(io.BytesIO(data)) as stripe:
            picture.paste(stripe, (0, top))
            top += stripe.height
    return _png(picture)


def _sent(master: int, stripe: bytes) -> socket.socket:
    connection = wire.connect(master)
    wire.send(connection, stripe)
    return connection


def _png(picture: Image.Image) -> bytes:
    file = io.BytesIO()
    picture.save(file, "PNG")
    return file.getvalue()


if __name__ == "__main__":
    main()
