"""Entropy-coded data moved by whole bytes, though it begins and ends inside one (T.81 F.1.2.3, B.1.1.5)."""

from __future__ import annotations

from collections.abc import Iterator

_SHORT = 8
"""Bytes that are cheaper to take apart than to treat at both ends."""


def bits_between(data: memoryview, ahead: str, first: int, end: int) -> Iterator[bytes | memoryview]:
    """The bits [first, end) of a file behind those of `ahead`, as entropy-coded bytes in pieces.

    Bits of the file are counted with its stuffed zeros; none of the two is inside one. Unless `ahead` is
    empty it must have so many bits that the copied ones keep their places in their bytes.
    """
    start, stop = first >> 3, end >> 3
    if stop - start < _SHORT:
        taken = "".join(f"{byte:08b}" for byte in _unstuffed(data[start : stop + 1]))
        count = len(taken) - 8 + (end & 7) if end & 7 else 8 * len(_unstuffed(data[start:stop]))
        yield _stuffed(ahead + taken[first & 7 : count])
        return
    if first & 7:
        yield _stuffed(ahead + f"{data[start]:08b}"[first & 7 :])
        start += 2 if data[start] == 0xFF else 1
    elif ahead:
        yield _stuffed(ahead)
    yield data[start:stop]
    if end & 7:
        yield _stuffed(f"{data[stop]:08b}"[: end & 7])


def _unstuffed(data: memoryview) -> bytes:
    return bytes(data).replace(b"\xff\x00", b"\xff")


def _stuffed(bits: str) -> bytes:
    """The bits as bytes, completed with ones."""
    if not bits:
        return b""
    padded = bits + "1" * (-len(bits) % 8)
    return int(padded, 2).to_bytes(len(padded) // 8, "big").replace(b"\xff", b"\xff\x00")
