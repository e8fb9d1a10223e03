"""`POST /batch` on a running gateway with two workers: right pictures, honest errors, bounded memory."""

from __future__ import annotations

import http.client
import socket
import struct
import subprocess
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from support.batches import Answer, Body, Files, archive, archive_in_a_form, form
from support.images import encoded, grey, image, jpeg, photo, pixels, png
from support.service import peak, within
from support.stack import Stack, stack

from shared.codecs.png.chunks import PngHeader, ihdr
from shared.options import Options

PNG = png(photo(160, 120))
HUGE_CLAIM = ihdr(PngHeader(60_000, 60_000, 8, 2, interlaced=False)) + PNG[33:]
GOOD = {
    "restarts.jpg": jpeg(photo(400, 304), restart_marker_rows=1),
    "plain.jpg": jpeg(photo(320, 240)),
    "progressive.jpg": jpeg(photo(120, 90), progressive=True),
    "photo.png": PNG,
    "alpha.png": png(photo(64, 48, 4)),
    "still.gif": encoded(image(photo(60, 40)), "GIF"),
    "lossless.webp": encoded(image(photo(60, 40)), "WEBP", lossless=True),
    "named.txt": PNG,
    "two megapixels.jpg": jpeg(photo(1600, 1712), quality=80, restart_marker_rows=1),
}
BAD = {
    "notes.txt": (b"hello", "unsupported-format"),
    "cut.jpg": (GOOD["plain.jpg"][:-200], "malformed-image"),
    "huge.png": (HUGE_CLAIM, "image-too-large"),
    "nothing.jpg": (b"", "empty-body"),
    "nested.zip": (archive([("a.png", PNG)]).data, "unsupported-format"),
    "../../large.jpg": (bytes(1 << 23), "upload-too-large"),
}
SENDERS = [form, archive, archive_in_a_form]
LIMIT = 100 << 20


@pytest.fixture(scope="module")
def running() -> Iterator[Stack]:
    limits: dict[str, Any] = {"batch_max_files": 70, "batch_max_bytes": LIMIT, "max_upload_bytes": 4 << 20}
    with stack(2, **limits) as started:
        yield started


def post(running: Stack, body: Body, query: str = "") -> httpx.Response:
    headers = {"Content-Type": body.kind}
    return httpx.post(f"{running.url}/batch{query}", content=body.data, headers=headers, timeout=120)


def mixed(count: int) -> list[tuple[str, bytes]]:
    """Good and bad files in turn, every name many times over."""
    kinds = [*GOOD.items(), *((name, data) for name, (data, _) in BAD.items())]
    return [kinds[number % len(kinds)] for number in range(count)]


@pytest.fixture(scope="module")
def wanted() -> dict[bytes, np.ndarray[tuple[int, ...], np.dtype[np.uint8]]]:
    """What a conversion in this process makes of each good file."""
    return {data: pixels(grey(data, Options())) for data in GOOD.values()}


@pytest.mark.parametrize("send", SENDERS)
def test_of_sixty_files_every_good_one_is_right_and_every_bad_one_is_reported(
    running: Stack,
    wanted: dict[bytes, np.ndarray[tuple[int, ...], np.dtype[np.uint8]]],
    send: Callable[[Files], Body],
) -> None:
    files = mixed(60)
    answer = post(running, send(files))
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/zip")
    got = Answer.of(answer.content)
    good = [(name, data) for name, data in files if data in wanted]
    for (name, data), (entry, result) in zip(good, got.images.items(), strict=True):
        assert entry.startswith(name.rpartition(".")[0])
        assert np.array_equal(pixels(result), wanted[data]), name
    bad = [(name, BAD[name][1]) for name, data in files if data not in wanted]
    assert [(e["name"], e["problem"]["type"].rpartition(":")[2]) for e in got.errors] == bad
    assert all(error["problem"]["detail"] for error in got.errors)


def test_names_are_numbered_where_they_repeat_and_lead_nowhere_else(running: Stack) -> None:
    names = ["a.jpg", "../a.jpg", "/etc/A.PNG", "b/../../a.jpg", "..\\..\\a.jpg"]
    got = Answer.of(post(running, archive([(name, PNG) for name in names])).content)
    assert list(got.images) == [
        *("a-grey.png", "a-grey-2.png", "etc/A-grey.png", "b/a-grey.png", "a-grey-3.png")
    ]
    assert not got.errors


def test_options_hold_for_every_file(running: Stack) -> None:
    answer = post(running, form([("a.jpg", GOOD["plain.jpg"]), ("b.gif", GOOD["still.gif"])]), "?format=jpeg")
    assert list(Answer.of(answer.content).images) == ["a-grey.jpg", "b-grey.jpg"]


WHOLE = [
    (Body(b"", "application/zip"), 400, "empty-body"),
    (archive([]), 400, "empty-body"),
    (Body(b"--b--\r\n", "multipart/form-data; boundary=b"), 400, "empty-body"),
    (Body(b"x", "multipart/form-data"), 400, "invalid-multipart"),
    (Body(form([("a.png", PNG)]).data[:-10], form([("a.png", PNG)]).kind), 400, "invalid-multipart"),
    (Body(archive([("a.png", PNG)]).data[:-30], "application/zip"), 400, "invalid-archive"),
    (Body(PNG, "image/png"), 415, "unsupported-archive"),
    (archive([(f"{n}.png", b"x") for n in range(71)]), 413, "upload-too-large"),
    (form([(f"{n}.png", b"x") for n in range(71)]), 413, "upload-too-large"),
    (archive([("bomb", bytes(LIMIT + 1))]), 413, "upload-too-large"),
]


@pytest.mark.parametrize(("body", "status", "slug"), WHOLE)
def test_what_concerns_the_whole_batch_is_a_problem(
    running: Stack, body: Body, status: int, slug: str
) -> None:
    answer = post(running, body)
    assert answer.headers["content-type"] == "application/problem+json"
    document = answer.json()
    assert (answer.status_code, document["type"]) == (status, f"urn:grisaille:problem:{slug}")
    if status == 413:
        assert document["actual"] > document["limit"]
        assert document["setting"].startswith("GRISAILLE_BATCH_MAX_")


def test_options_are_looked_at_first(running: Stack) -> None:
    assert post(running, form([("a.png", PNG)]), "?luma=none").json()["type"].endswith(":invalid-option")


def test_curl_sends_files_and_archives(running: Stack, tmp_path: Path) -> None:
    (tmp_path / "1.jpg").write_bytes(GOOD["plain.jpg"])
    (tmp_path / "2.png").write_bytes(PNG)
    (tmp_path / "x.zip").write_bytes(archive([("1.jpg", GOOD["plain.jpg"]), ("2.png", PNG)]).data)
    ways = [["-F", "a=@1.jpg", "-F", "b=@2.png"], ["--data-binary", "@x.zip"], ["-T", "x.zip", "-X", "POST"]]
    for way in ways:
        command = ["curl", "-sS", "--fail", *way, f"{running.url}/batch", "-o", "grey.zip"]
        subprocess.run(command, cwd=tmp_path, check=True, timeout=60)
        got = Answer.of((tmp_path / "grey.zip").read_bytes())
        assert (list(got.images), got.errors) == (["1-grey.jpg", "2-grey.png"], [])


LARGE = jpeg(photo(2400, 1600), quality=92, restart_marker_rows=1)


@pytest.mark.parametrize("send", [form, archive])
def test_memory_does_not_grow_with_the_batch(
    running: Stack, tmp_path: Path, send: Callable[[Files], Body]
) -> None:
    peaks = []
    for count in (8, 8, 40):  # buffers are there after the first
        body = send([(f"{number}.jpg", LARGE) for number in range(count)])
        peak(running.gateway.pid)
        with (
            httpx.stream(
                "POST",
                f"{running.url}/batch?format=png",
                content=body.data,
                headers={"Content-Type": body.kind},
                timeout=120,
            ) as answer,
            (tmp_path / "grey.zip").open("wb") as out,
        ):
            received = sum(out.write(piece) for piece in answer.iter_raw())
        peaks.append(peak(running.gateway.pid))
        with zipfile.ZipFile(tmp_path / "grey.zip") as reader:
            assert len(reader.namelist()) == count
    moved = len(body.data) + received
    assert moved > 80 << 20
    assert peaks[2] - peaks[1] < 16 << 20


def test_memory_does_not_grow_with_the_files_that_fail(running: Stack) -> None:
    peaks = []
    for count in (4, 4, 30):
        body = form([(f"{number}.jpg", b"no picture" + bytes(3 << 20)) for number in range(count)])
        peak(running.gateway.pid)
        assert len(Answer.of(post(running, body).content).errors) == count
        peaks.append(peak(running.gateway.pid))
    assert peaks[2] - peaks[1] < 16 << 20


def head(body: Body) -> bytes:
    return (
        f"POST /batch?format=png HTTP/1.1\r\nHost: test\r\nContent-Type: {body.kind}\r\n"
        f"Content-Length: {len(body.data)}\r\n\r\n"
    ).encode()


def test_who_does_not_take_the_answer_holds_up_the_conversions_and_gets_all_of_it_later(
    running: Stack,
) -> None:
    body = archive([(f"{number}.jpg", LARGE) for number in range(30)])
    before = sum(worker.converted for worker in running.workers)
    with socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 16)
        client.settimeout(60)
        client.connect((running.gateway.host, running.gateway.port))
        client.sendall(head(body) + body.data)
        conversions = "grisaille_gateway_conversions"
        assert within(lambda: sum(worker.converted for worker in running.workers) > before)
        assert within(lambda: running.gateway.metric(conversions) == 0)
        begun = sum(worker.converted for worker in running.workers) - before
        answer = http.client.HTTPResponse(client)
        answer.begin()
        received = answer.read()
    assert begun < 30
    assert len(Answer.of(received).images) == 30


def test_small_files_run_on_all_workers_at_once_and_none_once_the_client_has_left() -> None:
    body = form([(f"{number}.png", PNG) for number in range(40)])
    with stack(2, {"fault": "delay", "fault_seconds": 0.3}) as running:
        with socket.create_connection((running.gateway.host, running.gateway.port)) as client:
            client.sendall(head(body) + body.data)
            assert within(
                lambda: all(worker.metric("grisaille_worker_running") for worker in running.workers)
            )
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # hang up
        assert within(lambda: running.gateway.metric("grisaille_gateway_conversions") == 0)
        assert within(lambda: running.gateway.metric("grisaille_gateway_held_bytes") == 0)
        assert sum(worker.converted for worker in running.workers) < 40
        gone = 'grisaille_gateway_requests_total{outcome="client-gone",route="/batch"}'
        assert within(lambda: running.gateway.metric(gone) == 1)


def test_files_are_counted_as_what_they_came_to(running: Stack) -> None:
    def counted() -> list[float]:
        requests = "grisaille_gateway_requests_total"
        of_batches = [f'{requests}{{outcome="{one}",route="/batch"}}' for one in ("ok", "unsupported-format")]
        return [running.gateway.metric(name) for name in (*of_batches, "grisaille_gateway_pixels_total")]

    before = counted()
    assert post(running, form([("a.png", PNG), ("b.txt", b"hello"), ("c.png", PNG)])).status_code == 200
    assert np.subtract(counted(), before).tolist() == [2, 1, 2 * 160 * 120]
