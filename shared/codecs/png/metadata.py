"""Metadata in PNG's ancillary chunks (PNG section 11.3; XMP part 3 section 1.1.5).

What only PNG has a place for is in `colour`; here is what other formats have too.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping
from dataclasses import replace

from shared.codecs.exif import MAX_EXIF_BYTES, PREFIX
from shared.codecs.limits import Limits
from shared.codecs.metadata import Density, Metadata, Text, inflated, without_colour
from shared.codecs.picture import Band
from shared.codecs.png import colour
from shared.codecs.png import text as texts
from shared.codecs.png.chunks import Chunk, PngStream, chunk
from shared.codecs.xmp import MAX_PACKET_BYTES

_XMP = "XML:com.adobe.xmp"
_RAW = "Raw profile type "
"""Of texts in which ImageMagick wrote metadata as hexadecimal digits before there was eXIf."""
_MAX_RAW = 2 * MAX_EXIF_BYTES


def profile(png: PngStream, limits: Limits) -> bytes | None:
    """The profile of an iCCP chunk; None if it is damaged or there is none. Raises `ImageTooLarge`."""
    stored = png.find(b"iCCP")
    if stored is None:
        return None
    icc = inflated(bytes(stored).partition(b"\0")[2][1:], limits.max_profile_bytes)
    limits.within("max_profile_bytes", "what is inflated of the ICC profile, in bytes", len(icc or b""))
    return icc


def read(png: PngStream, to_grey: Callable[[Band], Band], icc: bytes | None = None) -> Metadata:
    """The metadata of a PNG file as its grey picture has it, which has 16 bits if the file has, else 8.

    `to_grey` makes the background grey as it does the pixels; `icc` is the file's `profile`.
    """
    found = [(chunk, text) for chunk in png.ancillary if (text := texts.text(chunk))]
    named = {text.keyword: text for _, text in reversed(found)}
    plain = [(chunk, text) for chunk, text in found if not _is_metadata(text)]
    exif = png.find(b"eXIf")
    metadata = without_colour(
        Metadata(
            exif=(bytes(exif or b"") or _raw(named, "exif") or _raw(named, "APP1")).removeprefix(PREFIX),
            xmp=_xmp(named) or _raw(named, "xmp"),
            density=_density(png.find(b"pHYs")),
            icc=icc or _raw(named, "icc") or _raw(named, "icm"),
            photoshop=_raw(named, "iptc") or _raw(named, "8bim"),
            texts=tuple(text for _, text in plain),
        )
    )
    return replace(metadata, png=_own(png, to_grey, [chunk for chunk, _ in plain], metadata))


def _own(png: PngStream, to_grey: Callable[[Band], Band], plain: list[Chunk], metadata: Metadata) -> bytes:
    samples = colour.about_samples(png, to_grey, profile=metadata.icc is not None)
    return b"".join((samples, *colour.copied(png), *(chunk.raw for chunk in plain)))


def _is_metadata(text: Text) -> bool:
    return text.keyword == _XMP or text.keyword.startswith(_RAW)


def _xmp(named: Mapping[str, Text]) -> bytes | None:
    text = named.get(_XMP)
    return text.read(MAX_PACKET_BYTES) if text else None


def _raw(named: Mapping[str, Text], kind: str) -> bytes:
    """What such a text holds behind a line with its kind and one with its length; empty if it is damaged."""
    text = named.get(_RAW + kind)
    lines = (text.read(_MAX_RAW) or b"").split(b"\n", 3) if text else []
    try:
        return bytes.fromhex(lines[3].decode("ascii")) if len(lines) == 4 else b""
    except ValueError:
        return b""


def _density(phys: memoryview | None) -> Density | None:
    if phys is None or len(phys) != 9:
        return None
    x, y = int.from_bytes(phys[:4], "big"), int.from_bytes(phys[4:8], "big")
    return Density(x, y, absolute=phys[8] == 1) if x and y else None


def write(metadata: Metadata) -> bytes:
    """Chunks to stand between IHDR and IDAT (PNG section 5.6)."""
    parts = []
    if metadata.icc:
        parts.append(chunk(b"iCCP", b"ICC profile\0\0" + zlib.compress(metadata.icc)))
    parts.append(metadata.png or b"".join(map(texts.written, metadata.texts)))
    if metadata.density:
        parts.append(chunk(b"pHYs", _phys(metadata.density)))
    if metadata.exif:
        parts.append(chunk(b"eXIf", metadata.exif))
    if metadata.xmp:
        parts.append(chunk(b"iTXt", _XMP.encode() + bytes(5) + metadata.xmp))
    return b"".join(parts)


def _phys(density: Density) -> bytes:
    x, y = (min(max(round(v), 1), 2**31 - 1) for v in (density.x, density.y))
    return x.to_bytes(4, "big") + y.to_bytes(4, "big") + bytes((int(density.absolute),))
