"""Joining PNG stripes: their IDATs verbatim, their checksums combined by arithmetic.

Possible because of the `layout`, and because a stripe's first row looks at no row above.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from shared.codecs.png.chunks import GREY, GREY_ALPHA, PngHeader, chunk, ihdr, parse
from shared.codecs.png.layout import FINAL_BLOCK, IEND, SYNC_FLUSH, ZLIB_HEADER
from shared.problems import MalformedImage

_BASE = 65521
"""Largest prime below 2**16 (RFC 1950 section 9)."""


@dataclass(frozen=True, slots=True)
class PngPart:
    """A grey stripe that was looked at and can be merged."""

    header: PngHeader
    body: memoryview
    """The IDATs of the deflate body, as they stand in the file."""
    adler: int

    @property
    def filtered_size(self) -> int:
        """Bytes of the filtered rows, which the checksum covers."""
        return self.header.height * (1 + self.header.row_bytes)


def part(data: memoryview, width: int, rows: int) -> PngPart:
    """A stripe as a worker returned it; `MalformedImage` if it is not what was asked for."""
    png = parse(data)
    header, (first, *rest) = png.header, png.chunks
    *body, last = rest or [first]
    size = (header.width, header.height)
    if size != (width, rows) or header.interlaced or header.colour not in {GREY, GREY_ALPHA}:
        raise MalformedImage(f"a grey stripe of {width} x {rows} came back as {size}")
    ends = bytes(body[-1].data[-4:]) if body else b""
    if first.data != ZLIB_HEADER or last.data[:2] != FINAL_BLOCK or len(last.data) != 6 or ends != SYNC_FLUSH:
        raise MalformedImage("a grey stripe came back in a layout that cannot be joined")
    return PngPart(header, data[first.end : body[-1].end], int.from_bytes(last.data[2:6], "big"))


def merge(parts: Sequence[PngPart], metadata: bytes = b"") -> list[bytes | memoryview]:
    """One PNG file in pieces, stripes top to bottom; `MalformedImage` if they are of different kinds."""
    first = parts[0].header
    if any((p.header.colour, p.header.depth) != (first.colour, first.depth) for p in parts):
        raise MalformedImage("grey stripes came back with different colour types or depths")
    height = sum(p.header.height for p in parts)
    adler = 1
    pieces: list[bytes | memoryview] = [
        ihdr(replace(first, height=height)) + metadata + chunk(b"IDAT", ZLIB_HEADER)
    ]
    for p in parts:
        pieces.append(p.body)
        adler = adler32_combine(adler, p.adler, p.filtered_size)
    pieces.append(chunk(b"IDAT", FINAL_BLOCK + adler.to_bytes(4, "big")) + IEND)
    return pieces


def adler32_combine(first: int, second: int, second_size: int) -> int:
    """Adler-32 of two byte strings joined, from their own and the second's size (zlib, adler32.c)."""
    low1, high1, low2, high2 = first & 0xFFFF, first >> 16, second & 0xFFFF, second >> 16
    low = (low1 + low2 - 1) % _BASE
    high = (high1 + high2 + second_size * (low1 - 1)) % _BASE
    return high << 16 | low
