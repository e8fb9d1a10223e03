"""What is asked again, when, and for how long: by rule, and against a server that misbehaves."""

from __future__ import annotations

import asyncio
import contextlib
import http.server
import json
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.addresses import free_port

from grisaille.client import (
    AsyncClient,
    Client,
    Converted,
    GrisailleError,
    Interrupted,
    Problem,
    Retry,
    UnexpectedAnswer,
    Unreachable,
)
from grisaille.retry import Tries

GREY = bytes(range(256)) * 40
PLAN = {"X_Grisaille_Plan": "whole; stripes=1; workers=1; reason=one-slot", "Content_Type": "image/png"}


class Handler(http.server.BaseHTTPRequestHandler):
    """Does what its server's script says next."""

    protocol_version = "HTTP/1.1"
    server: Scripted

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        assert body == b"colour"
        self.server.asked += 1
        next(self.server.script)(self)

    def answer(
        self, body: bytes, status: int = 200, headers: dict[str, str] | None = None, cut: int = 0
    ) -> None:
        self.send_response(status)
        for name, value in {**(PLAN if status == 200 else {}), **(headers or {})}.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[: len(body) - cut])
        self.close_connection = cut > 0


class Scripted(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, script: list[Step]) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.script, self.asked = iter(script), 0
        self.url = f"http://127.0.0.1:{self.server_address[1]}"

    def handle_error(self, *_: object) -> None:
        """It reset its connection itself."""


Step = Callable[[Handler], None]


def hang_up(handler: Handler) -> None:
    handler.close_connection = True


def reset(handler: Handler) -> None:
    handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    handler.close_connection = True


def cut(handler: Handler) -> None:
    handler.answer(GREY, cut=1)


def well(handler: Handler) -> None:
    handler.answer(GREY)


def page(status: int, **headers: str) -> Step:
    return lambda handler: handler.answer(b"<html>", status, headers)


def problem(status: int, slug: str, **headers: str) -> Step:
    document = {"type": f"urn:grisaille:problem:{slug}", "title": "T", "status": status, "detail": "D"}
    return lambda handler: handler.answer(json.dumps(document).encode(), status, headers)


@contextlib.contextmanager
def scripted(*script: Step) -> Iterator[Scripted]:
    with Scripted(list(script)) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join(10)


class Time:
    """Passes only when somebody sleeps."""

    def __init__(self) -> None:
        self.now = 0.0
        self.slept: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds

    async def sleep_async(self, seconds: float) -> None:
        self.sleep(seconds)


def convert(url: str, time: Time, target: Path | None = None, seconds: float = 60.0) -> Converted:
    with Client(
        url, retry=Retry(seconds), clock=lambda: time.now, sleep=time.sleep, random=lambda: 0.0
    ) as client:
        return client.convert(b"colour", target)


def convert_async(url: str, time: Time, target: Path | None = None, seconds: float = 60.0) -> Converted:
    async def run() -> Converted:
        async with AsyncClient(
            url, retry=Retry(seconds), clock=lambda: time.now, sleep=time.sleep_async, random=lambda: 0.0
        ) as client:
            return await client.convert(b"colour", target)

    return asyncio.run(run())


either = pytest.mark.parametrize("convert", [convert, convert_async])
Conversion = Callable[..., Converted]
TROUBLE = {
    "closed without an answer": hang_up,
    "reset": reset,
    "a cut answer": cut,
    "502 of a proxy": page(502),
    "504 of a proxy": page(504),
    "503 of a proxy": page(503),
    "429": page(429),
    "no worker": problem(503, "no-worker", Retry_After="2"),
}


@either
@pytest.mark.parametrize("trouble", TROUBLE.values(), ids=TROUBLE)
def test_trouble_that_passes_is_asked_away(convert: Conversion, trouble: Step, tmp_path: Path) -> None:
    with scripted(trouble, trouble, well) as server:
        converted = convert(server.url, Time(), tmp_path / "grey.png")
        assert (converted.tries, server.asked) == (3, 3)
    assert (tmp_path / "grey.png").read_bytes() == GREY
    assert list(tmp_path.iterdir()) == [tmp_path / "grey.png"]


@either
def test_a_cut_answer_is_never_seen_at_its_target(convert: Conversion, tmp_path: Path) -> None:
    with scripted(cut) as server, pytest.raises(Interrupted):
        convert(server.url, Time(), tmp_path / "grey.png", seconds=0)
    assert list(tmp_path.iterdir()) == []


@either
def test_nobody_is_asked_before_the_time_that_retry_after_says(convert: Conversion) -> None:
    time = Time()
    busy = problem(503, "overloaded", Retry_After="7")
    with scripted(busy, busy, hang_up, well) as server:
        convert(server.url, time)
    assert time.slept == [7, 7, 0.4]


@either
def test_an_endless_page_of_somebody_else_is_not_read_to_its_end(convert: Conversion) -> None:
    left = threading.Event()

    def endless(handler: Handler) -> None:
        handler.send_response(404)
        handler.send_header("Connection", "close")
        handler.end_headers()
        with contextlib.suppress(OSError):
            for _ in range(1 << 12):  # 256 MiB: a page that ends would fail the test
                handler.wfile.write(bytes(1 << 16))
            return
        left.set()

    with scripted(endless) as server, pytest.raises(UnexpectedAnswer, match="404"):
        convert(server.url, Time())
    assert left.wait(10)


FINAL = {
    "malformed": (problem(422, "malformed-image"), Problem),
    "too large": (problem(413, "upload-too-large"), Problem),
    "a defect": (problem(500, "internal"), Problem),
    "the service's own deadline": (problem(504, "deadline"), Problem),
    "another program": (page(404), UnexpectedAnswer),
    "a redirection": (page(308, Location="https://elsewhere/convert"), UnexpectedAnswer),
    "an answer that is no picture": (page(200, Content_Type="text/html"), UnexpectedAnswer),
}


@either
@pytest.mark.parametrize(("answer", "kind"), FINAL.values(), ids=FINAL)
def test_what_is_final_is_asked_once(convert: Conversion, answer: Step, kind: type[GrisailleError]) -> None:
    with scripted(answer, well) as server:
        with pytest.raises(kind):
            convert(server.url, Time())
        assert server.asked == 1


def test_a_redirection_says_where_to() -> None:
    moved = scripted(page(308, Location="https://elsewhere/convert"))
    with moved as server, pytest.raises(UnexpectedAnswer, match="308 to https://elsewhere/convert"):
        convert(server.url, Time())


@either
def test_a_service_that_is_not_there_is_looked_for_until_time_is_up(convert: Conversion) -> None:
    time = Time()
    with pytest.raises(Unreachable):
        convert(f"http://127.0.0.1:{free_port()}", time, seconds=20.0)
    assert time.slept == [0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 5, 5]


class BusyError(GrisailleError):
    is_temporary = True

    def __init__(self, retry_after: float) -> None:
        super().__init__()
        self.retry_after = retry_after


@given(
    retry=st.builds(Retry, st.floats(0, 100), st.floats(0.001, 1), st.floats(1, 10)),
    waits=st.lists(st.sampled_from([0.0, 0.05, 3.0, 1e9]), max_size=50),
    random=st.randoms(use_true_random=False),
)
def test_pauses_keep_their_bounds(retry: Retry, waits: list[float], random: Random) -> None:
    now = 0.0
    tries = Tries(retry, lambda: now, random.random)
    with contextlib.suppress(BusyError):
        for wait in waits:
            pause = tries.pause(BusyError(wait))
            assert pause > 0
            assert wait <= pause <= max(1.5 * wait, retry.longest_pause)
            now += pause
    assert now <= retry.seconds
