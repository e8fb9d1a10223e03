"""The claim everything rests on: the gateway never touches a pixel."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator

import httpx
import numpy as np
import pytest
from support.images import grey, jpeg, luma_plane, photo, pixels, png
from support.service import process
from support.tiffs import TILES, by_libvips, deep
from support.vips import decoded, differ

from shared.codecs.formats import Format
from shared.options import Options

GATEWAY = "tests/support/codecless_gateway.py"
PICTURES = {
    "sliced": jpeg(photo(400, 304), restart_marker_rows=1, dpi=(300, 300)),
    "scanned": jpeg(photo(400, 304), dpi=(300, 300)),
}


class DyingWorker(threading.Thread):
    """A worker as a probe sees it, which closes its door for ever when it gets an image."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}"

    def run(self) -> None:
        with self.listener:
            while True:
                connection, _ = self.listener.accept()
                with connection:
                    if connection.recv(1 << 16).startswith(b"POST"):
                        return
                    head = "HTTP/1.1 200 OK", "X-Grisaille-Contract: 1", "Content-Length: 0"
                    connection.sendall("\r\n".join([*head, "Connection: close", "", ""]).encode())


def test_a_file_whose_worker_died_of_it_is_not_decoded_in_the_gateway() -> None:
    worker = DyingWorker()
    worker.start()
    with process(GATEWAY, workers=worker.url, worker_patience_seconds=0.5) as url:
        answer = httpx.post(f"{url}/convert", content=png(photo(64, 64)), timeout=30)
        assert answer.status_code == 503, answer.text
        assert answer.json()["type"].endswith(":unavailable")


@pytest.fixture(scope="module")
def codecless() -> Iterator[str]:
    """The address of a gateway without codecs that has a worker."""
    with process("-m", "worker") as worker, process(GATEWAY, workers=worker) as url:
        yield f"{url}/convert"


@pytest.mark.parametrize("written", ["png", "jpeg", "tiff"])
@pytest.mark.parametrize("name", PICTURES)
def test_jpegs_are_cut_and_joined_in_a_gateway_without_codecs(
    name: str, written: str, codecless: str
) -> None:
    picture = PICTURES[name]
    answer = httpx.post(f"{codecless}?format={written}&stripes=5", content=picture)
    assert answer.status_code == 200, answer.text
    assert answer.headers["X-Grisaille-Plan"].startswith("stripes; stripes=5;")
    assert np.array_equal(pixels(answer.content), luma_plane(picture))


@pytest.mark.parametrize("written", [Format.PNG, Format.JPEG, Format.TIFF])
@pytest.mark.parametrize("bits", [8, 16])
def test_tiffs_are_cut_and_joined_in_a_gateway_without_codecs(
    bits: int, written: Format, codecless: str
) -> None:
    data = by_libvips(deep(4) if bits == 16 else photo(203, 171), compression="deflate", **TILES)
    answer = httpx.post(f"{codecless}?format={written.value}&stripes=5", content=data)
    assert answer.status_code == 200, answer.text
    assert answer.headers["X-Grisaille-Plan"].startswith("stripes; stripes=5;")
    assert differ(decoded(answer.content), decoded(grey(data, Options(format=written)))) == 0


def test_whole_images_pass_through_a_gateway_without_codecs(codecless: str) -> None:
    assert httpx.post(codecless, content=png(photo(64, 64))).status_code == 200
