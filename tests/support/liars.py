"""Workers that answer probes well and work badly, each in its own way, on addresses of their own."""

from __future__ import annotations

import contextlib
import http.server
import threading
from collections.abc import Callable, Iterator

from support.addresses import own_address
from support.images import jpeg, photo

from shared.contract import CONTRACT, CONTRACTS, LOAD

_SMALL = jpeg(photo(64, 48)[:, :, :1], restart_marker_rows=1)

Lie = Callable[["Handler", bytes], None]


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Liar

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        self.answer(b"{}")

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.asked += 1
        self.server.lie(self, body)

    def answer(
        self, body: bytes, *, status: int = 200, announced: int | None = None, load: bool = True
    ) -> None:
        self.send_response(status)
        self.send_header(CONTRACT, self.server.contract)
        if load:
            self.send_header(LOAD, "0/1/0")
        self.send_header("Content-Length", str(len(body) if announced is None else announced))
        self.end_headers()
        self.wfile.write(body)


def _cut(handler: Handler, body: bytes) -> None:
    handler.answer(body[:100], announced=100_000)
    handler.close_connection = True


def _hang_up(handler: Handler, _: bytes) -> None:
    handler.close_connection = True


LIES: dict[str, Lie] = {
    "garbage": lambda handler, _: handler.answer(bytes(range(256)) * 40),
    "nothing": lambda handler, _: handler.answer(b""),
    "another size": lambda handler, _: handler.answer(_SMALL),
    "the image itself, in colour": lambda handler, body: handler.answer(body),
    "half an image": lambda handler, body: handler.answer(body[: len(body) // 2]),
    "a body that is cut": _cut,
    "200 with an error page": lambda handler, _: handler.answer(b"<html>502 Bad Gateway</html>"),
    "502": lambda handler, _: handler.answer(b"<html>", status=502, load=False),
    "503 without a load": lambda handler, _: handler.answer(b"", status=503, load=False),
    "400": lambda handler, _: handler.answer(b"{}", status=400),
    "no answer": _hang_up,
}


class Liar(http.server.ThreadingHTTPServer):
    """One of them."""

    daemon_threads = True

    def __init__(self, lie: Lie, contract: str) -> None:
        super().__init__((own_address(), 8000), Handler)
        self.lie, self.contract, self.asked = lie, contract, 0

    @property
    def url(self) -> str:
        return f"http://{self.server_address[0]!s}:{self.server_address[1]}"

    def handle_error(self, *_: object) -> None:
        """Whoever it lied to has hung up."""


@contextlib.contextmanager
def liar(lie: Lie, contract: str = CONTRACTS[0]) -> Iterator[Liar]:
    """A worker that lies, until the block is left."""
    with Liar(lie, contract) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join(10)
