"""Addresses and ports for what tests start, also while other tests run on the same machine."""

from __future__ import annotations

import contextlib
import os
import socket
from itertools import count
from random import SystemRandom

_NUMBERS = count()
_LOWEST_PORT, _PORTS = 10_000, 20_000
"""Below those that systems give to connections: none of them takes a port that a test is about to use."""


def own_address() -> str:
    """An address of this machine that no other process of tests uses (127.0.0.0/8, RFC 1122 3.2.1.3)."""
    high, low = divmod(os.getpid() % 62_500, 250)
    return f"127.{1 + high}.{low}.{1 + next(_NUMBERS) % 254}"


def free_port() -> int:
    """A port nobody uses now."""
    while True:
        port = _LOWEST_PORT + SystemRandom().randrange(_PORTS)
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("", port))
            return port
