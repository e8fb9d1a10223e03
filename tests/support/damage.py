"""Damaged files and what the service must make of them."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from random import Random

from support.images import pixels
from support.service import Service

from shared.codecs.png.chunks import PngHeader, ihdr

SLOWEST_SECONDS = 10.0
"""Some hundred times what is usual, so that a busy machine is not taken for a slow parser."""


def verdict(service: Service, data: bytes, stripes: Iterable[int], **options: str) -> int:
    """The one status the service gives, quickly, and the same for every number of stripes.

    Either it is 200 with a picture that decodes, a PNG unless told otherwise, or a 4xx.
    """
    return verdict_and_pictures(service, data, stripes, **options)[0]


def verdict_and_pictures(
    service: Service, data: bytes, stripes: Iterable[int], **options: str
) -> tuple[int, list[bytes]]:
    """As `verdict`, with the pictures, if any."""
    found, pictures = {}, []
    for count in stripes:
        started = time.monotonic()
        answer = service.convert(data, None, **{"format": "png", **options}, stripes=count)
        assert time.monotonic() - started < SLOWEST_SECONDS
        assert answer.status_code in {200, 400, 415, 422}, answer.text
        if answer.status_code == 200:
            pixels(answer.content)
            pictures.append(answer.content)
        found[count] = answer.status_code
    assert len(set(found.values())) == 1, found
    return found.popitem()[1], pictures


def marker_borders(jpeg: bytes) -> list[int]:
    """Offsets of all markers behind SOI, up to the last."""
    return [i for i in range(2, len(jpeg) - 2) if jpeg[i] == 0xFF and jpeg[i + 1] not in {0, 0xFF}]


def chunk_borders(png: bytes) -> Iterator[int]:
    """Offsets of all chunks."""
    offset = 8
    while offset < len(png):
        yield offset
        offset += 12 + int.from_bytes(png[offset : offset + 4], "big")


def flipped(data: bytes, seed: int) -> bytes:
    """The file with three bits flipped somewhere."""
    random, damaged = Random(seed), bytearray(data)
    for _ in range(3):
        bit = random.randrange(8 * len(data))
        damaged[bit // 8] ^= 1 << bit % 8
    return bytes(damaged)


def claiming(data: bytes, width: int, height: int) -> bytes:
    """The JPEG or PNG with another size written into its header."""
    if data[:2] != b"\xff\xd8":
        return ihdr(PngHeader(width, height, 8, 2, interlaced=False)) + data[33:]
    frame = max(data.find(b"\xff\xc0"), data.find(b"\xff\xc2"))
    return data[: frame + 5] + height.to_bytes(2, "big") + width.to_bytes(2, "big") + data[frame + 9 :]


def without_tables(jpeg: bytes) -> bytes:
    """The JPEG without its quantisation tables."""
    while (table := jpeg.find(b"\xff\xdb")) >= 0:
        jpeg = jpeg[:table] + jpeg[table + 2 + int.from_bytes(jpeg[table + 2 : table + 4], "big") :]
    return jpeg
