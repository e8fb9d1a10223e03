"""Requests are counted as what they came to, whoever ended them."""

from __future__ import annotations

import socket
import struct

import httpx
from support.images import jpeg, photo
from support.service import within
from support.stack import Stack, stack


def counted(running: Stack, outcome: str) -> float:
    name = f'grisaille_gateway_requests_total{{outcome="{outcome}",route="/convert"}}'
    return running.gateway.metric(name)


def test_who_leaves_while_the_answer_comes_was_not_served() -> None:
    picture = jpeg(photo(6000, 4000), restart_marker_rows=1)
    head = f"POST /convert?format=png HTTP/1.1\r\nHost: x\r\nContent-Length: {len(picture)}\r\n\r\n"
    with stack(1) as running:
        with socket.create_connection((running.gateway.host, running.gateway.port)) as client:
            client.sendall(head.encode() + picture)
            assert client.recv(12) == b"HTTP/1.1 200"
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # hang up
        assert within(lambda: counted(running, "client-gone") == 1)
        assert counted(running, "ok") == 0
        assert httpx.post(f"{running.url}/convert", content=picture, timeout=60).status_code == 200
        assert within(lambda: counted(running, "ok") == 1)


def test_refusals_are_counted_by_their_problem() -> None:
    with stack(1) as running:
        assert httpx.post(f"{running.url}/convert", content=b"no image").status_code == 415
        assert httpx.post(f"{running.url}/convert?luma=loud", content=b"x").status_code == 400
        assert within(lambda: counted(running, "unsupported-format") == 1)
        assert counted(running, "invalid-option") == 1
