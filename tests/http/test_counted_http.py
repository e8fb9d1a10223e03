"""Requests are counted as what they came to, whoever ended them, and cost nothing from then on."""

from __future__ import annotations

import contextlib
import socket
import struct
from collections.abc import Iterator

import httpx
import pytest
from support.images import jpeg, photo
from support.service import within
from support.stack import Stack, stack


@pytest.fixture(scope="module")
def running() -> Iterator[Stack]:
    with stack(1) as started:
        yield started


def counted(running: Stack, outcome: str) -> float:
    name = f'grisaille_gateway_requests_total{{outcome="{outcome}",route="/convert"}}'
    return running.gateway.metric(name)


@contextlib.contextmanager
def asking(running: Stack, picture: bytes) -> Iterator[socket.socket]:
    """A client that has sent a picture, and hangs up when the block is left."""
    head = f"POST /convert?format=png HTTP/1.1\r\nHost: x\r\nContent-Length: {len(picture)}\r\n\r\n"
    with socket.create_connection((running.gateway.host, running.gateway.port)) as client:
        client.sendall(head.encode() + picture)
        yield client
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def test_who_leaves_while_the_answer_comes_was_not_served(running: Stack) -> None:
    picture = jpeg(photo(6000, 4000), restart_marker_rows=1)
    gone, served = counted(running, "client-gone"), counted(running, "ok")
    with asking(running, picture) as client:
        assert client.recv(12) == b"HTTP/1.1 200"
    assert within(lambda: counted(running, "client-gone") == gone + 1)
    assert counted(running, "ok") == served
    assert httpx.post(f"{running.url}/convert", content=picture, timeout=60).status_code == 200
    assert within(lambda: counted(running, "ok") == served + 1)


def test_who_leaves_while_a_picture_is_converted_frees_the_slot(running: Stack) -> None:
    worker = running.workers[0]
    gone = 'grisaille_worker_conversions_total{outcome="client-gone"}'
    before = worker.metric(gone)
    with asking(running, jpeg(photo(6000, 6000), progressive=True)):
        assert within(lambda: worker.metric("grisaille_worker_running") == 1)
    assert within(lambda: worker.metric(gone) == before + 1)
    assert worker.metric("grisaille_worker_running") == 0


def test_refusals_are_counted_by_their_problem(running: Stack) -> None:
    unsupported, invalid = counted(running, "unsupported-format"), counted(running, "invalid-option")
    assert httpx.post(f"{running.url}/convert", content=b"no image").status_code == 415
    assert httpx.post(f"{running.url}/convert?luma=loud", content=b"x").status_code == 400
    assert within(lambda: counted(running, "unsupported-format") == unsupported + 1)
    assert counted(running, "invalid-option") == invalid + 1
