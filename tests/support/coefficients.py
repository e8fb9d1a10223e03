"""A second Huffman decoder, slow and by the letter of T.81 annexes C and F, to check the fast ones by."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

Codes = dict[str, int]


@dataclass(frozen=True)
class Block:
    """What a block's codes say."""

    component: int
    difference: int
    """Of DC."""
    coefficients: tuple[int, ...]
    """The 63 AC coefficients in zig-zag order."""


@dataclass(frozen=True)
class Coding:
    """How the blocks of one component in an MCU are coded."""

    blocks: int
    dc: Codes
    ac: Codes


def codes(counts: Sequence[int], values: Sequence[int]) -> Codes:
    """Symbols by their codes, written out (figures C.1 to C.3)."""
    found: Codes = {}
    code, symbols = "", iter(values)
    for length, count in enumerate(counts, 1):
        code = code.ljust(length, "0")
        for _ in range(count):
            found[code] = next(symbols)
            code = f"{int(code, 2) + 1:0{length}b}"
    return found


class Bits:
    """A string of bits, read from its beginning."""

    def __init__(self, bits: str) -> None:
        self.bits = bits
        self.at = 0

    def take(self, count: int) -> str:
        taken = self.bits[self.at : self.at + count]
        assert len(taken) == count, "the data has ended"
        self.at += count
        return taken

    def symbol(self, known: Codes) -> int:
        code = self.take(1)
        while code not in known:
            code += self.take(1)
            assert len(code) <= 16, f"{code} is no code"
        return known[code]

    def value(self, size: int) -> int:
        """A number by its additional bits (figure F.12)."""
        if size == 0:
            return 0
        bits = self.take(size)
        return int(bits, 2) if bits[0] == "1" else int(bits, 2) - (1 << size) + 1

    def block(self, component: int, dc: Codes, ac: Codes) -> Block:
        difference = self.value(self.symbol(dc))
        found: list[int] = []
        while len(found) < 63:
            run, size = divmod(self.symbol(ac), 16)
            if size:
                found += [0] * run + [self.value(size)]
            elif run == 15:
                found += [0] * 16
            else:
                assert run == 0, "an EOB run"
                found += [0] * (63 - len(found))
        assert len(found) == 63, "coefficients behind the last"
        return Block(component, difference, tuple(found))


def decoded(bits: Bits, codings: Sequence[Coding], mcus: int) -> Iterator[Block]:
    """The blocks of some MCUs, in their order."""
    for _ in range(mcus):
        for component, coding in enumerate(codings):
            for _ in range(coding.blocks):
                yield bits.block(component, coding.dc, coding.ac)


def unstuffed(data: bytes) -> tuple[str, list[int]]:
    """The bits of entropy-coded data (B.1.1.5) without its stuffed zeros, and where in `data` each is."""
    bits: list[str] = []
    places: list[int] = []
    at = 0
    while at < len(data):
        bits.append(f"{data[at]:08b}")
        places += range(8 * at, 8 * at + 8)
        at += 2 if data[at] == 0xFF else 1
    return "".join(bits), places


def stuffed(bits: str) -> bytes:
    """Bits as entropy-coded data, completed with ones (F.1.2.3)."""
    found = bytearray()
    for at in range(0, len(bits), 8):
        byte = int(bits[at : at + 8].ljust(8, "1"), 2)
        found += b"\xff\x00" if byte == 0xFF else bytes((byte,))
    return bytes(found)
