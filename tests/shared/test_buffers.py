"""Receive buffers: used again, and never while anybody still looks at one."""

from __future__ import annotations

import itertools

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from shared.service.buffers import Buffers
from shared.service.spool import Spool

MEGABYTE = 1 << 20


def address(buffer: memoryview) -> int:
    """Where it lies in memory."""
    return np.frombuffer(buffer, np.uint8).ctypes.data


@given(st.lists(st.tuples(st.integers(0, 3 * MEGABYTE), st.integers(0, 5)), min_size=1, max_size=30))
def test_no_two_buffers_in_use_share_memory(steps: list[tuple[int, int]]) -> None:
    buffers = Buffers(Spool(), keep=6 * MEGABYTE)
    used: list[memoryview] = []
    for size, dropped in steps:
        used.append(buffers.take(size))
        assert len(used[-1]) == size
        ranges = sorted((address(b), address(b) + len(b)) for b in used if len(b))
        assert all(a[1] <= b[0] for a, b in itertools.pairwise(ranges))
        if dropped < len(used):
            del used[dropped]


def test_a_freed_buffer_is_used_again_for_what_fits() -> None:
    buffers = Buffers(Spool())
    first = buffers.take(2 * MEGABYTE)
    place = address(first)
    del first
    assert address(buffers.take(MEGABYTE + 5)) == place


def test_a_slice_keeps_its_buffer_in_use() -> None:
    buffers = Buffers(Spool())
    piece = buffers.take(2 * MEGABYTE)[100:200]
    other = buffers.take(2 * MEGABYTE)
    assert not address(other) <= address(piece) < address(other) + len(other)


def test_no_more_is_kept_than_allowed() -> None:
    buffers = Buffers(Spool(), keep=4 * MEGABYTE)
    for _ in range(3):
        taken = [buffers.take(2 * MEGABYTE) for _ in range(5)]
        taken.append(buffers.take(9 * MEGABYTE))
        assert sum(array.size for array in buffers._kept) <= 4 * MEGABYTE  # noqa: SLF001
        del taken
