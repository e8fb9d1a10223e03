"""Images per second are counted between two answers, and whatever goes wrong is told."""

from __future__ import annotations

import contextlib
import io
import itertools
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from PIL import Image

from bench.client import AnswerError
from bench.measure import MismatchError, PixelCheck
from bench.throughput import Window, run

IN_FLIGHT = 4


def grey(level: int) -> bytes:
    file = io.BytesIO()
    Image.new("L", (8, 8), level).save(file, "PNG")
    return file.getvalue()


class Handler(BaseHTTPRequestHandler):
    """Answers with a picture, with an error from request `fails_from`, and not at all from `hangs_from`."""

    protocol_version = "HTTP/1.1"
    requests: itertools.count[int]
    fails_from = hangs_from = 1 << 30
    end: threading.Event

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        number = next(self.requests)
        if number >= self.hangs_from:
            self.end.wait()
        body = grey(7)
        self.send_response(500 if number >= self.fails_from else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        with contextlib.suppress(ConnectionError):
            self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


Server = Callable[..., int]


@pytest.fixture
def server() -> Iterator[Server]:
    """Starts one that behaves as told; gives its port."""
    end = threading.Event()
    started: list[ThreadingHTTPServer] = []

    def start(**behaviour: int) -> int:
        kind = type("Told", (Handler,), {"requests": itertools.count(), "end": end, **behaviour})
        started.append(ThreadingHTTPServer(("127.0.0.1", 0), kind))
        threading.Thread(target=started[-1].serve_forever, daemon=True).start()
        return started[-1].server_port

    yield start
    end.set()
    for one in started:
        one.shutdown()
        one.server_close()


def test_a_window_is_from_one_answer_to_a_later_one() -> None:
    meter = itertools.count()
    window = Window(2, 3, lambda: next(meter))
    for answers in range(1, 8):
        window.answered()
        assert len(window.moments) == (answers >= 2) + (answers >= 5)
        assert window.over.is_set() == (answers >= 5)
    begin, end = window.moments
    assert (begin.meter, end.meter) == (0, 1)
    assert end.seconds >= begin.seconds


def test_what_is_in_flight_at_the_end_is_cut_off(server: Server) -> None:
    window = Window(2, 10, lambda: None)
    begin, end = run(server(hangs_from=12), b"", "png", PixelCheck([grey(7)]), IN_FLIGHT, window)
    assert end.seconds > begin.seconds


def test_an_error_ends_it(server: Server) -> None:
    window = Window(2, 1000, lambda: None)
    with pytest.raises(AnswerError, match="500"):
        run(server(fails_from=20), b"", "png", PixelCheck([grey(7)]), IN_FLIGHT, window)


def test_other_pixels_end_it(server: Server) -> None:
    window = Window(2, 1000, lambda: None)
    with pytest.raises(MismatchError):
        run(server(), b"", "png", PixelCheck([grey(8)]), IN_FLIGHT, window)
