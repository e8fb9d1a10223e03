"""Damage to image files: what disks, networks, careless tools and hostile people do to them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from random import Random

_NUMBERS = (0, 1, 2, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFF)
"""What programs are seldom ready for, as lengths, sizes and counts."""
_PIECE = 64
"""Bytes, at most, that are moved, repeated or blanked."""
_HEAD = 2048
"""Where the headers are, in which damage says the most."""


@dataclass(frozen=True, slots=True)
class Mutation:
    """One change: a kind of `KINDS`, a place as a fraction of the file, and a number that the kind reads."""

    kind: str
    place: float
    number: int


def _truncated(data: bytes, at: int, _: int) -> bytes:
    return data[:at]


def _flipped(data: bytes, at: int, number: int) -> bytes:
    return data[:at] + bytes((data[at] ^ 1 << number % 8,)) + data[at + 1 :]


def _overwritten(data: bytes, at: int, number: int) -> bytes:
    return data[:at] + bytes((number & 255,)) + data[at + 1 :]


def _length_field(size: int, order: str) -> Callable[[bytes, int, int], bytes]:
    def changed(data: bytes, at: int, number: int) -> bytes:
        value = _NUMBERS[number % len(_NUMBERS)] & (1 << 8 * size) - 1
        return data[:at] + value.to_bytes(size, "big" if order == "big" else "little") + data[at + size :]

    return changed


def _removed(data: bytes, at: int, number: int) -> bytes:
    return data[:at] + data[at + 1 + number % _PIECE :]


def _repeated(data: bytes, at: int, number: int) -> bytes:
    return data[: at + 1 + number % _PIECE] + data[at:]


def _swapped(data: bytes, at: int, number: int) -> bytes:
    size = 1 + number % _PIECE
    return data[:at] + data[at + size : at + 2 * size] + data[at : at + size] + data[at + 2 * size :]


def _inserted(data: bytes, at: int, number: int) -> bytes:
    return data[:at] + Random(number).randbytes(1 + number % _PIECE) + data[at:]


def _blanked(data: bytes, at: int, number: int) -> bytes:
    size = min(1 + number % _PIECE, len(data) - at)
    return data[:at] + bytes((0 if number & 1 else 255,)) * size + data[at + size :]


def _appended(data: bytes, at: int, _: int) -> bytes:
    return data + data[at:]


KINDS: Mapping[str, Callable[[bytes, int, int], bytes]] = {
    "truncated": _truncated,
    "bit flipped": _flipped,
    "byte overwritten": _overwritten,
    "length of 2, big": _length_field(2, "big"),
    "length of 4, big": _length_field(4, "big"),
    "length of 2, little": _length_field(2, "little"),
    "length of 4, little": _length_field(4, "little"),
    "removed": _removed,
    "repeated": _repeated,
    "swapped": _swapped,
    "inserted": _inserted,
    "blanked": _blanked,
    "appended": _appended,
}


def apply(data: bytes, mutation: Mutation) -> bytes:
    """The file, changed; an empty one stays empty."""
    if not data:
        return data
    at = min(int(mutation.place * len(data)), len(data) - 1)
    return KINDS[mutation.kind](data, at, mutation.number)


def drawn(data: bytes, random: Random) -> bytes:
    """The file with one to three changes, half of them in its head."""
    for _ in range(random.choice((1, 1, 2, 3))):
        within = min(_HEAD / max(len(data), 1), 1.0) if random.random() < 0.5 else 1.0
        kind = random.choice(tuple(KINDS))
        data = apply(data, Mutation(kind, random.random() * within, random.getrandbits(32)))
    return data
