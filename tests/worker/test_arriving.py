"""A PNG that is converted while it comes in: the same result, the same verdicts, and nobody left waiting."""

from __future__ import annotations

import http.client
import socket
import threading
from collections.abc import Iterator
from random import Random
from typing import BinaryIO

import httpx
import pytest
from support.images import LIMITS, grey, joined, jpeg, photo, png, unpacked
from support.service import process, within

from shared.codecs import convert
from shared.codecs.formats import Format
from shared.codecs.png.chunks import chunk
from shared.codecs.png.layout import IEND
from shared.contract import LOAD
from shared.options import Options
from shared.problems import DeadlineExceeded, MalformedImage
from worker.arriving import Arriving

EXIF = b"MM\0*\0\0\0\x08" + bytes(6)
PICTURES = {
    "png": png(photo(700, 500)),
    "grey png": png(photo(301, 200, 1)),
    "rgba png": png(photo(300, 200, 4)),
    "with metadata behind the data": png(photo(64, 64))[:-12] + chunk(b"eXIf", EXIF) + IEND,
    "jpeg": jpeg(photo(320, 240)),
}


def coming(data: bytes, seed: int) -> tuple[Arriving, threading.Thread]:
    """The file on its way, in pieces of random size, and who brings it."""
    arriving = Arriving(memoryview(bytearray(len(data))))
    random = Random(seed)

    def bring() -> None:
        filled = 0
        while filled < len(data):
            end = min(filled + random.randrange(1, max(len(data) // 7, 2)), len(data))
            arriving.data[filled:end] = data[filled:end]
            arriving.grow(end)
            filled = end

    return arriving, threading.Thread(target=bring)


@pytest.mark.parametrize("written", [Format.PNG, Format.JPEG])
@pytest.mark.parametrize("name", PICTURES)
@pytest.mark.parametrize("overlap", [False, True])
def test_the_result_is_that_of_the_whole_file(name: str, written: Format, overlap: bool) -> None:  # noqa: FBT001
    data, options = PICTURES[name], Options(format=written)
    for seed in range(3):
        arriving, bringer = coming(data, seed)
        bringer.start()
        converted = convert.grey(arriving.data, options, LIMITS, overlap=overlap, arrived=arriving.wait_for)
        bringer.join()
        assert unpacked(joined(converted.pieces)) == unpacked(grey(data, options))


@pytest.mark.parametrize("cut", [10, 40, 5_000, -20, -1])
def test_a_file_that_ends_early_is_malformed(cut: int) -> None:
    arriving, bringer = coming(PICTURES["png"][:cut], 1)
    bringer.start()
    with pytest.raises(MalformedImage):
        convert.grey(arriving.data, Options(), LIMITS, overlap=True, arrived=arriving.wait_for)
    bringer.join()


def test_a_conversion_is_under_way_before_the_file_is_there() -> None:
    data = PICTURES["png"]
    arriving = Arriving(memoryview(bytearray(len(data))))
    begun = threading.Event()

    def check() -> None:
        begun.set()

    arriving.data[: len(data) - 100] = data[: len(data) - 100]
    arriving.grow(len(data) - 100)
    results: list[bytes] = []

    def work() -> None:
        converted = convert.grey(arriving.data, Options(), LIMITS, check=check, arrived=arriving.wait_for)
        results.append(joined(converted.pieces))

    worker = threading.Thread(target=work)
    worker.start()
    assert begun.wait(20)  # a band is decoded, and the file is not complete
    assert not results
    arriving.data[len(data) - 100 :] = data[len(data) - 100 :]
    arriving.grow(len(data))
    worker.join()
    assert results == [grey(data, Options())]


def test_what_kept_the_rest_away_is_raised_where_it_is_missed() -> None:
    arriving = Arriving(memoryview(bytearray(100)))
    arriving.grow(50)
    arriving.fail(DeadlineExceeded("too slow"))
    arriving.wait_for(50)
    with pytest.raises(DeadlineExceeded):
        arriving.wait_for(51)


@pytest.fixture(scope="module")
def worker() -> Iterator[str]:
    """The address of a worker process with one slot."""
    with process("-m", "worker", slots=1) as url:
        yield url


def pieces(data: bytes) -> Iterator[bytes]:
    for start in range(0, len(data), 9_000):
        yield data[start : start + 9_000]


@pytest.mark.parametrize("name", PICTURES)
@pytest.mark.parametrize("announced", [True, False])
def test_over_http(worker: str, name: str, announced: bool) -> None:  # noqa: FBT001
    data = PICTURES[name]
    headers = {"Content-Length": str(len(data))} if announced else {}
    answer = httpx.post(f"{worker}/convert?format=png", content=pieces(data), headers=headers)
    assert unpacked(answer.content) == unpacked(grey(data, Options(format=Format.PNG)))


def test_an_empty_body_is_refused(worker: str) -> None:
    assert httpx.post(f"{worker}/convert").status_code == 400


@pytest.mark.parametrize("name", ["png", "jpeg"])
def test_a_client_that_leaves_in_the_middle_leaves_nothing_behind(worker: str, name: str) -> None:
    data = PICTURES[name]

    def half() -> Iterator[bytes]:
        yield data[: len(data) // 2]
        raise ConnectionAbortedError

    with pytest.raises(ConnectionAbortedError):
        httpx.post(f"{worker}/convert", content=half(), headers={"Content-Length": str(len(data))})
    assert within(lambda: httpx.get(f"{worker}/version").headers[LOAD] == "0/1/0")
    assert httpx.post(f"{worker}/convert", content=data).status_code == 200


def spoken(worker: str, data: bytes, *headers: str) -> bytes:
    """A request as it stands on the wire."""
    lines = ["POST /convert HTTP/1.1", f"Host: {httpx.URL(worker).host}", f"Content-Length: {len(data)}"]
    return "\r\n".join([*lines, *headers, "", ""]).encode()


def connected(worker: str) -> socket.socket:
    address = httpx.URL(worker)
    return socket.create_connection((address.host, address.port or 80), timeout=30)


def answered(reader: BinaryIO) -> bytes:
    """The body of the next answer."""
    assert reader.readline() == b"HTTP/1.1 200 OK\r\n"
    headers = http.client.parse_headers(reader)
    return reader.read(int(headers["Content-Length"]))


def test_a_client_that_asks_whether_to_go_on_is_told_so(worker: str) -> None:
    data = PICTURES["png"]
    with connected(worker) as connection, connection.makefile("rb") as reader:
        connection.sendall(spoken(worker, data, "Expect: 100-continue"))
        assert reader.readline() + reader.readline() == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(data)
        assert unpacked(answered(reader)) == unpacked(grey(data, Options()))


def test_requests_sent_ahead_are_answered_in_turn(worker: str) -> None:
    first, second = PICTURES["png"], PICTURES["grey png"]
    with connected(worker) as connection, connection.makefile("rb") as reader:
        connection.sendall(spoken(worker, first) + first + spoken(worker, second) + second)
        assert unpacked(answered(reader)) == unpacked(grey(first, Options()))
        assert unpacked(answered(reader)) == unpacked(grey(second, Options()))


def test_a_deadline_that_is_no_number_is_none(worker: str) -> None:
    for left in ("soon", "-5", "9" * 5000):
        headers = {"X-Grisaille-Deadline-Ms": left}
        assert httpx.post(f"{worker}/convert", content=PICTURES["png"], headers=headers).status_code == 200


def test_a_body_slower_than_its_deadline_is_refused_and_the_slot_free_again(worker: str) -> None:
    data = PICTURES["png"]
    with connected(worker) as connection:
        connection.sendall(spoken(worker, data, "X-Grisaille-Deadline-Ms: 200") + data[:1000])
        with connection.makefile("rb") as reader:
            answers = reader.read()  # to the end of the connection: what comes now is no request
    assert answers.startswith(b"HTTP/1.1 504 ")
    assert answers.count(b"HTTP/1.1") == 1
    assert within(lambda: httpx.get(f"{worker}/version").headers[LOAD] == "0/1/0")
