"""Clients that are too many, too slow, or gone: the others notice nothing, and nothing is left behind."""

from __future__ import annotations

import socket
import time
from urllib.parse import urlsplit

import pytest
from support.images import jpeg, photo
from support.load import Load, Picture, mixed
from support.report import Say, bold
from support.service import within
from support.stack import Stack, stack

LARGE = jpeg(photo(2400, 2000), quality=95)
SLOW = 500
"""Bytes a second."""


def connected(url: str) -> socket.socket:
    where = urlsplit(url)
    assert where.hostname
    assert where.port
    return socket.create_connection((where.hostname, where.port), timeout=30)


def head(length: int) -> bytes:
    return f"POST /convert?format=png HTTP/1.1\r\nHost: test\r\nContent-Length: {length}\r\n\r\n".encode()


def test_overload(say: Say) -> None:
    wait, slots = 1.0, 2
    with stack(slots, {"fault": "delay", "fault_seconds": 0.1}, admission_wait_seconds=wait) as running:
        with Load(running.url, mixed(), clients=2) as warm:
            warm.until(20)
        before = [server.resident for server in (running.gateway, *running.workers)]
        with Load(running.url, mixed(), clients=10 * 3 * slots) as load:
            load.until(900, seconds=120)
        after = [server.resident for server in (running.gateway, *running.workers)]
    refused = [outcome for outcome in load.outcomes if outcome.status == 503]
    assert len(refused) > 50
    assert all(outcome.is_right for outcome in load.outcomes if outcome.status != 503), load.failures(least=1)
    assert all(int(outcome.retry_after) >= 1 for outcome in refused)
    late = sorted(outcome.waited for outcome in refused)[int(0.99 * len(refused))]
    growth = max(b - a for a, b in zip(before, after, strict=True)) >> 20
    seen = f"{len(load.outcomes) - len(refused)} right, {len(refused)} refused, their p99 {late * 1e3:.0f} ms"
    say(
        "overload, 10 times what is admitted",
        "accepted ones right; refusals' p99 ≤ wait (1,000 ms) + 100 ms; memory flat",
        f"{bold(seen, unless=late <= wait + 0.1)}; largest growth of a process {growth} MiB",
    )


def idle(running: Stack) -> bool:
    """Whether nothing is under way anywhere."""
    gateway = running.gateway
    return (
        gateway.metric("grisaille_gateway_conversions") == 0
        and gateway.metric("grisaille_gateway_held_bytes") == 0
        and all(worker.metric("grisaille_worker_running") == 0 for worker in running.workers)
    )


def test_clients_that_leave_half_way(say: Say) -> None:
    with stack(2, {"fault": "delay", "fault_seconds": 0.2}) as running:
        with Load(running.url, mixed(), clients=2) as warm:
            warm.until(20)
        assert within(lambda: idle(running))
        before = running.gateway.descriptors, [worker.descriptors for worker in running.workers]
        for n in range(100):
            with connected(running.url) as leaving:
                leaving.sendall(head(len(LARGE)) + LARGE[: len(LARGE) if n % 2 else len(LARGE) // 2])
                if n % 2:
                    assert within(lambda: running.gateway.metric("grisaille_gateway_conversions") > 0)
        begin = time.monotonic()
        assert within(lambda: idle(running))
        seconds = time.monotonic() - begin
        assert within(
            lambda: (
                before[0] >= running.gateway.descriptors
                and before[1] >= [worker.descriptors for worker in running.workers]
            )
        )
        with Load(running.url, mixed(), clients=2) as load:
            load.until(20)
    assert not load.failures(least=20)
    say(
        "100 clients that leave, half in their upload, half in their conversion",
        "workers stop within one part; no leak of tasks, buffers, connections",
        f"idle {seconds:.1f} s after the last; no bytes, conversions or descriptors left",
    )


def test_uploads_that_crawl(say: Say) -> None:
    window = 2
    with stack(2, slow_upload_seconds=window) as running:
        crawling = [connected(running.url) for _ in range(10)]
        for client in crawling:
            client.sendall(head(len(LARGE)))
        begin = time.monotonic()
        answers: dict[socket.socket, bytes] = {}
        with Load(running.url, mixed(), clients=4) as load:
            while len(answers) < len(crawling):
                assert time.monotonic() - begin < 5 * window
                for client in crawling:
                    if client not in answers:
                        answers |= crawl(client)
                time.sleep(0.1)  # a tenth of a second's bytes at a time
            load.until(50)
        for client in crawling:
            client.close()
    assert all(answer.startswith(b"HTTP/1.1 408 ") for answer in answers.values())
    assert all(b"slow-upload" in answer for answer in answers.values())
    assert not load.failures(least=50)
    say(
        "10 uploads at 500 bytes/s among 50 normal ones (window of 2 s here)",
        "408 for them, the normal ones unaffected",
        f"all 408; 0 of {len(load.outcomes)} others failed",
    )


def crawl(client: socket.socket) -> dict[socket.socket, bytes]:
    """Send a few bytes; the answer, if there is one already."""
    client.settimeout(0.001)
    try:
        return {client: client.recv(1 << 16)}
    except TimeoutError:
        client.sendall(LARGE[: SLOW // 10])
        return {}


def test_downloads_that_nobody_takes(say: Say) -> None:
    with stack(2, slow_download_seconds=1) as running, connected(running.url) as stalled:
        stalled.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        before = running.gateway.descriptors
        big = jpeg(photo(6000, 5000), quality=95, restart_marker_rows=1)
        stalled.sendall(head(len(big)) + big)
        held = "grisaille_gateway_held_bytes"
        assert within(lambda: running.gateway.metric(held) > 0)
        with Load(running.url, mixed(), clients=2) as load:
            assert within(lambda: running.gateway.metric("grisaille_gateway_conversions") == 0)
            load.until(50)
        assert within(lambda: running.gateway.metric(held) == 0)
        assert within(lambda: running.gateway.descriptors < before)
    assert not load.failures(least=50)
    say(
        "a client that does not take its answer (limit 1 s here)",
        "its connection ends",
        "closed, its bytes freed",
    )


@pytest.mark.parametrize("seconds", ["GRISAILLE_MAX_UPLOAD_SECONDS"])
def test_an_upload_may_not_take_for_ever(seconds: str) -> None:
    with stack(1, slow_upload_seconds=0.2, max_upload_seconds=1) as running, connected(running.url) as client:
        client.sendall(head(1 << 24))
        begin = time.monotonic()
        answer = b""
        client.settimeout(0.02)
        while not answer:
            assert time.monotonic() - begin < 20
            try:
                answer = client.recv(1 << 16)
            except TimeoutError:
                client.sendall(bytes(1024))
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert seconds.encode() in answer


def test_soak(say: Say, soak_seconds: float) -> None:
    pictures = [*mixed(), Picture.of(LARGE), Picture.of(LARGE, "?stripes=2")]
    with stack(2) as running:
        servers = [running.gateway, *running.workers]
        with Load(running.url, pictures, clients=4) as load:
            load.until(200)
            time.sleep(soak_seconds / 3)  # caches and pools fill
            before = [(server.resident, server.descriptors) for server in servers]
            time.sleep(soak_seconds * 2 / 3)
        after = [(server.resident, server.descriptors) for server in servers]
    assert not load.failures(least=200)
    grown = max(b[0] - a[0] for a, b in zip(before, after, strict=True)) / (1 << 20)
    opened = max(b[1] - a[1] for a, b in zip(before, after, strict=True))
    assert opened <= 4
    seen = f"0 of {len(load.outcomes)} failed; largest growth {grown:.1f} MiB, {max(opened, 0)} descriptors"
    say(
        f"soak, {soak_seconds:.0f} s",
        "resident memory and descriptors flat",
        bold(seen, unless=grown < 10),
    )
