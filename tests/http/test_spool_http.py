"""Bodies and results in spool files: the same answers as from memory, and nothing left behind."""

from __future__ import annotations

import contextlib
import io
import os
import resource
import signal
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from PIL import Image
from support.batches import form
from support.images import grey, jpeg, photo, pixels, png
from support.service import Service, peak, plan, running, within
from support.stack import Server, stack
from support.tiffs import by_libvips

from shared.codecs.formats import Format
from shared.options import Options
from shared.service.spool import SLICE

PICTURE = photo(1900, 1712)
FILES = {
    "markers": jpeg(PICTURE, quality=95, restart_marker_rows=1),
    "no markers": jpeg(PICTURE, quality=95),
    "progressive": jpeg(PICTURE, quality=95, progressive=True),
    "png": png(PICTURE),
    "tiff": by_libvips(PICTURE, compression="lzw", tile=True, tile_width=256, tile_height=256),
}
LOW: dict[str, Any] = {"spool_bytes": 1 << 16}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("spool")


@pytest.fixture(scope="module")
def spooling(folder: Path) -> Iterator[Service]:
    """A service that keeps next to nothing in memory."""
    with running(workers=2, spool_dir=folder, slow_download_seconds=2, **LOW) as started:
        yield started


def in_files(folder: Path, pids: list[int]) -> int:
    """How many descriptors of these processes are of spool files."""
    links = (link for pid in pids for link in Path(f"/proc/{pid}/fd").iterdir())
    return sum(os.path.realpath(link).startswith(str(folder)) for link in links if link.is_symlink())


def pids(service: Service) -> list[int]:
    return service.children("gateway") + service.children("worker")


def assert_nothing_left(folder: Path, service: Service) -> None:
    assert within(lambda: in_files(folder, pids(service)) == 0)
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("written", ["png", "jpeg", "tiff"])
@pytest.mark.parametrize("name", FILES)
def test_every_kind_of_conversion_is_what_it_is_in_memory(
    spooling: Service, folder: Path, name: str, written: str
) -> None:
    body = FILES[name]
    expected = grey(body, Options(format=Format(written)))
    assert len(body) > SLICE
    assert len(expected) > LOW["spool_bytes"]
    for stripes in (1, 2, 7):
        answer = spooling.convert(body, format=written, stripes=stripes)
        splits = name in {"markers", "no markers", "tiff"} and stripes > 1
        assert plan(answer) == ("stripes" if splits else "whole", stripes if splits else 1)
        if written == "jpeg" or not splits:
            assert answer.content == expected
        else:
            assert np.array_equal(pixels(answer.content), pixels(expected))
    assert_nothing_left(folder, spooling)


def test_multipart_and_bodies_of_unknown_size_go_to_files_too(spooling: Service, folder: Path) -> None:
    body, url = FILES["markers"], f"{spooling.url}/convert"
    expected = grey(body, Options())
    form = spooling.client.post(url, files={"image": ("photo.jpg", body)})
    chunked = spooling.client.post(url, content=(body[i : i + 70_001] for i in range(0, len(body), 70_001)))
    assert form.content == chunked.content == expected
    assert_nothing_left(folder, spooling)


def test_a_damaged_file_leaves_nothing(spooling: Service, folder: Path) -> None:
    for name, body in FILES.items():
        answer = spooling.convert(body[: len(body) // 2])
        assert answer.status_code == 422, name
    assert_nothing_left(folder, spooling)


@pytest.mark.parametrize("path", ["/batch", "/convert"])
def test_a_form_leaves_nothing_whether_it_is_whole_or_cut(spooling: Service, folder: Path, path: str) -> None:
    body = form([("photo.jpg", FILES["markers"])])
    for data, status in ((body.data, 200), (body.data[:-20], 400)):
        answer = spooling.client.post(spooling.url + path, content=data, headers={"Content-Type": body.kind})
        assert answer.status_code == status
        assert_nothing_left(folder, spooling)


def _begun(service: Service, sent: bytes) -> socket.socket:
    """A connection that announces a body and sends a part of it."""
    connection = socket.create_connection(("127.0.0.1", int(service.url.rpartition(":")[2])))
    size = len(FILES["png"])
    connection.sendall(b"POST /convert HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % size + sent)
    return connection


def test_a_client_that_leaves_leaves_nothing(spooling: Service, folder: Path) -> None:
    gateway = spooling.children("gateway")
    with _begun(spooling, FILES["png"][:-1]):
        assert within(lambda: in_files(folder, gateway) > 0)
    assert_nothing_left(folder, spooling)
    with _begun(spooling, FILES["png"]) as connection:
        assert connection.recv(100).startswith(b"HTTP/1.1 200")
    assert_nothing_left(folder, spooling)


def test_a_batch_whose_answer_nobody_takes_leaves_nothing(spooling: Service, folder: Path) -> None:
    body = form([(f"{number}.jpg", FILES["markers"]) for number in range(12)])
    gateway = spooling.children("gateway")
    with socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 16)
        client.connect(("127.0.0.1", int(spooling.url.rpartition(":")[2])))
        head = f"Host: x\r\nContent-Type: {body.kind}\r\nContent-Length: {len(body.data)}\r\n\r\n"
        client.sendall(b"POST /batch?format=png HTTP/1.1\r\n" + head.encode() + body.data)
        assert within(lambda: in_files(folder, gateway) > 0)
        assert_nothing_left(folder, spooling)


def test_a_killed_process_leaves_nothing(folder: Path, spooling: Service) -> None:
    (killed,) = spooling.children("gateway")
    with _begun(spooling, FILES["png"][:-1]):
        assert within(lambda: in_files(folder, [killed]) > 0)
        os.kill(killed, signal.SIGKILL)
        assert within(lambda: spooling.children("gateway") not in ([], [killed]))
    assert list(folder.iterdir()) == []
    assert within(lambda: _answers(spooling))
    assert_nothing_left(folder, spooling)


def test_a_killed_worker_leaves_nothing_and_costs_nothing(folder: Path, spooling: Service) -> None:
    """Killed as soon as it has some of the image in a file."""
    workers = spooling.children("worker")
    expected = grey(FILES["tiff"], Options(format=Format.PNG))
    with ThreadPoolExecutor(1) as threads:
        answer = threads.submit(spooling.convert, FILES["tiff"], format="png", stripes=1)
        assert within(lambda: any(in_files(folder, [worker]) for worker in workers))
        os.kill(next(worker for worker in workers if in_files(folder, [worker])), signal.SIGKILL)
        assert answer.result().content == expected
    assert within(lambda: len(spooling.children("worker")) == len(workers))
    assert_nothing_left(folder, spooling)


@contextlib.contextmanager
def full_disk(server: Server, size: int) -> Iterator[None]:
    """A disk on which a process can write no file longer than this."""
    before = resource.prlimit(server.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(server.pid, resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.prlimit(server.pid, resource.RLIMIT_FSIZE, before)


def test_a_full_disk_is_overload_at_once_and_everything_is_given_back(tmp_path: Path) -> None:
    """Whether the upload or the result has no room, in the gateway or in its worker."""
    small = jpeg(PICTURE, quality=20)
    settings: dict[str, Any] = {**LOW, "spool_dir": tmp_path}
    with stack(1, settings, **settings) as one:
        pids = [one.gateway.pid, one.workers[0].pid]
        for server in (one.gateway, one.workers[0]):
            for body in (*FILES.values(), small):
                with full_disk(server, 1 << 17):
                    answer = httpx.post(f"{one.url}/convert?format=png", content=body, timeout=60)
                assert answer.status_code == 503
                assert (answer.json()["type"].rpartition(":")[2], answer.json()["setting"]) == (
                    "overloaded",
                    "GRISAILLE_SPOOL_DIR",
                )
                assert answer.elapsed.total_seconds() < 10
                assert within(lambda: in_files(tmp_path, pids) == 0)
        assert httpx.post(f"{one.url}/convert", content=FILES["png"], timeout=60).is_success
        assert within(lambda: in_files(tmp_path, pids) == 0)


def _answers(service: Service) -> bool:
    try:
        return service.convert(FILES["png"]).is_success
    except httpx.TransportError:
        return False


def test_no_room_in_files_is_overload_that_names_the_setting() -> None:
    little: dict[str, Any] = {"spool_max_bytes": 1 << 20, **LOW}
    with stack(1, little, **little) as one:
        for url in (one.url, one.workers[0].url):
            answer = httpx.post(f"{url}/convert", content=FILES["png"], timeout=60)
            assert answer.status_code == 503
            assert answer.json()["type"].endswith(":overloaded")
            assert answer.json()["setting"] == "GRISAILLE_SPOOL_MAX_BYTES"


def _noise(side: int) -> bytes:
    """A PNG that does not compress."""
    noise = np.random.default_rng(1).integers(0, 256, (side, side, 3), np.uint8)
    file = io.BytesIO()
    Image.fromarray(noise).save(file, "PNG", compress_level=0)
    return file.getvalue()


def test_memory_does_not_grow_with_the_image(spooling: Service) -> None:
    body = _noise(5000)
    assert len(body) > 70 << 20
    for _ in range(2):  # buffers are there after the first
        small = _peaks_of(spooling, FILES["png"])
    large = _peaks_of(spooling, body)
    gateway, *workers = (later - earlier for earlier, later in zip(small, large, strict=True))
    assert gateway < 16 << 20
    assert max(workers) < 48 << 20


def _peaks_of(service: Service, body: bytes) -> list[int]:
    """The most bytes that the gateway and the workers have in memory during a conversion."""
    for pid in pids(service):
        peak(pid)
    assert service.convert(body).is_success
    return [peak(pid) for pid in pids(service)]
