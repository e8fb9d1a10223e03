"""Small files that ask for much: memory, time, recursion. What each wants is in its name."""

from __future__ import annotations

import io
import json
import struct
import zlib
from collections.abc import Mapping

import numpy as np
from PIL import Image

_GIGA = 1 << 30
_CLAIMED = 30_000
"""Pixels of a side that a header claims: 900 megapixels."""


def all_of_them() -> Mapping[str, bytes]:
    """Files by what they do."""
    jpeg, progressive = _saved("JPEG"), _saved("JPEG", progressive=True)
    scan = progressive[progressive.rindex(b"\xff\xda") : -2]
    return {
        "PNG: 900 megapixels claimed, no data": _png(_CLAIMED, _CLAIMED, zlib.compress(b"")),
        "PNG: sides of 2^31 - 1": _png(2**31 - 1, 2**31 - 1, zlib.compress(b"")),
        "PNG: interlaced, 900 megapixels": _png(_CLAIMED, _CLAIMED, zlib.compress(b""), interlaced=1),
        "PNG: a gigabyte behind 8 x 8 pixels": _png(8, 8, _zeros(_GIGA)),
        "PNG: iCCP that inflates to a gigabyte": _png(8, 8, _eight(), b"iCCP", b"a\0\0" + _zeros(_GIGA)),
        "PNG: zTXt that inflates to a gigabyte": _png(8, 8, _eight(), b"zTXt", b"a\0\0" + _zeros(_GIGA)),
        "PNG: iTXt that inflates to a gigabyte": _png(
            8, 8, _eight(), b"iTXt", b"XML:com.adobe.xmp\0\1\0\0\0" + _zeros(_GIGA)
        ),
        "PNG: iCCP whose tags lie over each other": _png(8, 8, _eight(), b"iCCP", b"a\0\0" + _tags(4 << 20)),
        "PNG: 1,000 zTXt that fill a JPEG": _png(
            8, 8, _eight(), *([b"zTXt", b"a\0\0" + zlib.compress(bytes(65_000))] * 1000)
        ),
        "PNG: 200,000 empty chunks": _png(8, 8, _eight(), *([b"tEXt", b"a\0"] * 200_000)),
        "JPEG: 65500 x 65500 claimed, no data": _claimed(jpeg, 65500, 65500),
        "JPEG: progressive, 65500 x 65500": _claimed(progressive, 65500, 65500),
        "JPEG: 2,000 scans": progressive[:-2] + scan * 2000 + b"\xff\xd9",
        "JPEG: a million restart markers": _restart_storm(jpeg, 1_000_000),
        "JPEG: 100,000 empty segments": jpeg[:2] + b"\xff\xe5\x00\x02" * 100_000 + jpeg[2:],
        "JPEG: 500,000 segments behind a scan": progressive[:-2]
        + b"\xff\xe5\x00\x02" * 500_000
        + b"\xff\xd9",
        "JPEG: EXIF whose values lie over each other": _with_exif(jpeg, _overlapping(1_000_000)),
        "TIFF: an IFD that follows itself": _tiff_loop(),
        "TIFF: 2^32 - 1 strips": _tiff(width=8, height=8, strips=2**32 - 1),
        "TIFF: 900 megapixels claimed": _tiff(width=_CLAIMED, height=_CLAIMED, strips=1),
        "WebP: 10500 x 10500 of one colour": _plain("WEBP", 10500),
        "GIF: 65535 x 65535 claimed": _gif(),
        "BMP: 900 megapixels claimed": _bmp(_CLAIMED),
    }


def slug(body: bytes) -> str:
    """The kind of a problem, and the setting that would move it."""
    document = json.loads(body)
    setting = document.get("setting")
    kind = str(document["type"]).rpartition(":")[2]
    return f"{kind} ({setting})" if setting else kind


def _saved(kind: str, **save: object) -> bytes:
    out = io.BytesIO()
    Image.fromarray(np.arange(64 * 64 * 3, dtype=np.uint8).reshape(64, 64, 3)).save(out, kind, **save)
    return out.getvalue()


def _plain(kind: str, side: int) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (side, side), "red").save(out, kind, method=0, quality=0)
    return out.getvalue()


def _zeros(size: int) -> bytes:
    packer, block = zlib.compressobj(9), bytes(1 << 20)
    return b"".join(packer.compress(block) for _ in range(size >> 20)) + packer.flush()


def _eight() -> bytes:
    return zlib.compress(bytes(8 * 25))


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def _png(width: int, height: int, stream: bytes, *before: bytes, interlaced: int = 0) -> bytes:
    """RGB of 8 bits; `before` are types and data of chunks before IDAT, in turn."""
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, interlaced)
    extra = b"".join(_chunk(kind, data) for kind, data in zip(before[::2], before[1::2], strict=True))
    return (
        b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", head) + extra + _chunk(b"IDAT", stream) + _chunk(b"IEND", b"")
    )


def _claimed(jpeg: bytes, width: int, height: int) -> bytes:
    """The JPEG with other sides in its frame header (T.81 B.2.2)."""
    frame = next(jpeg.find(bytes((0xFF, code))) for code in (0xC0, 0xC2) if bytes((0xFF, code)) in jpeg)
    return jpeg[: frame + 5] + struct.pack(">HH", height, width) + jpeg[frame + 9 :]


def _tags(size: int) -> bytes:
    """A profile of 256 tags (ICC.1 section 7.3), each nearly all of it, deflated."""
    table = b"".join(struct.pack(">4sII", b"%04d" % i, i + 1, size - 256) for i in range(256))
    head = struct.pack(">I12x4s16x4s88xI", size, b"RGB ", b"acsp", 256)
    return zlib.compress((head + table).ljust(size, b"\0"))


def _overlapping(size: int) -> bytes:
    """An Exif directory of 400 values, each nearly all of it."""
    entries = b"".join(struct.pack("<HHII", tag, 7, size - 20_000, 20) for tag in range(1, 401))
    first = struct.pack("<2sHIHHHIIxxxx", b"II", 42, 8, 1, 0x8769, 4, 1, 26)
    return (first + struct.pack("<H", 400) + entries + bytes(4)).ljust(size, b"x")


def _with_exif(jpeg: bytes, exif: bytes) -> bytes:
    """In as many APP1 segments as it takes (Exif 2.32 section 4.7.2)."""
    pieces = (b"Exif\0\0" + exif[i : i + 65_000] for i in range(0, len(exif), 65_000))
    return jpeg[:2] + b"".join(b"\xff\xe1" + struct.pack(">H", len(p) + 2) + p for p in pieces) + jpeg[2:]


def _restart_storm(jpeg: bytes, count: int) -> bytes:
    start = jpeg.rindex(b"\xff\xda")
    markers = b"".join(bytes((0xFF, 0xD0 + i % 8)) for i in range(8))
    return jpeg[:start] + b"\xff\xdd\x00\x04\x00\x01" + jpeg[start:-2] + markers * (count // 8) + b"\xff\xd9"


def _tiff(width: int, height: int, strips: int) -> bytes:
    entries = [
        (256, 4, 1, width),
        (257, 4, 1, height),
        (258, 3, 1, 8),
        (259, 3, 1, 1),
        (262, 3, 1, 1),
        (273, 4, strips, 8),
        (277, 3, 1, 1),
        (278, 4, 1, 1),
        (279, 4, strips, 8),
    ]
    body = b"".join(struct.pack("<HHII", *entry) for entry in entries)
    return struct.pack("<2sHIH", b"II", 42, 8, len(entries)) + body + bytes(4)


def _tiff_loop() -> bytes:
    whole = _tiff(8, 8, 1)
    return whole[:-4] + struct.pack("<I", 8)


def _gif() -> bytes:
    sides = b"\xff" * 4
    return b"GIF89a" + sides + bytes(3) + b"," + bytes(4) + sides + b"\0\2\0;"


def _bmp(side: int) -> bytes:
    head = struct.pack("<2sIHHI", b"BM", 100, 0, 0, 54)
    return head + struct.pack("<IiiHHIIiiII", 40, side, side, 1, 24, 0, 0, 0, 0, 0, 0) + bytes(64)
