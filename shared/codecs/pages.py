"""A hint for data that may be a mapped file: which of its bytes have been looked at.

Pages of a mapped file count as resident from when they are read. Giving them back changes no value: whoever
looks at them again gets them from the file. For data of any other kind the hint means nothing.
"""

from __future__ import annotations

import mmap

import numpy as np

WINDOW = 1 << 20
"""Bytes that are given back together."""


def passed(data: memoryview, start: int, end: int) -> None:
    """Give back the pages of bytes [start, end), by whole windows, a last one also where the data ends."""
    if not isinstance(data.obj, mmap.mmap):
        return
    first, stop = start // WINDOW * WINDOW, len(data) if end == len(data) else end // WINDOW * WINDOW
    if first < stop:
        begin = offset_of(data) + first
        aligned = begin // mmap.PAGESIZE * mmap.PAGESIZE
        data.obj.madvise(mmap.MADV_DONTNEED, aligned, begin - aligned + stop - first)


def offset_of(data: memoryview) -> int:
    """Where in its mapped file some data begins."""
    return _address(data) - _address(data.obj)  # type: ignore[arg-type]  # a buffer, as the caller knows


def _address(data: memoryview) -> int:
    address: int = np.frombuffer(data, np.uint8).__array_interface__["data"][0]
    return address
