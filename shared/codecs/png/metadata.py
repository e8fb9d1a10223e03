"""Metadata in PNG's ancillary chunks (PNG section 11.3; XMP part 3 section 1.1.5)."""

from __future__ import annotations

import zlib

from shared.codecs.metadata import Density, Metadata, grey_profile, plain_xmp, without_thumbnail
from shared.codecs.png.chunks import PngStream, chunk

_XMP = b"XML:com.adobe.xmp\0"
_MAX_INFLATED = 1 << 22
"""Bytes; a compressed profile or packet that inflates to more is left out."""


def read(png: PngStream) -> Metadata:
    """The metadata of a PNG file."""
    exif, icc = png.find(b"eXIf"), png.find(b"iCCP")
    return Metadata(
        exif=without_thumbnail(bytes(exif)) if exif else None,
        xmp=_xmp(png),
        density=_density(png.find(b"pHYs")),
        icc=grey_profile(_profile(bytes(icc))) if icc else None,
    )


def _xmp(png: PngStream) -> bytes | None:
    """The text of the iTXt chunk that XMP is kept in (PNG section 11.3.3.4)."""
    for found in png.ancillary:
        if found.type != b"iTXt" or bytes(found.data[: len(_XMP)]) != _XMP:
            continue
        compressed, rest = found.data[len(_XMP) : len(_XMP) + 1], bytes(found.data[len(_XMP) + 2 :])
        text = rest.split(b"\0", 2)[-1]
        return plain_xmp(_inflated(text) if bytes(compressed) == b"\1" else text) or None
    return None


def _density(phys: memoryview | None) -> Density | None:
    if phys is None or len(phys) != 9:
        return None
    x, y = int.from_bytes(phys[:4], "big"), int.from_bytes(phys[4:8], "big")
    return Density(x, y, absolute=phys[8] == 1) if x and y else None


def _profile(iccp: bytes) -> bytes:
    return _inflated(iccp.partition(b"\0")[2][1:])


def _inflated(compressed: bytes) -> bytes:
    """The whole zlib stream, or nothing if it is damaged or too long."""
    stream = zlib.decompressobj()
    try:
        data = stream.decompress(compressed, _MAX_INFLATED)
    except zlib.error:
        return b""
    return data if stream.eof else b""


def write(metadata: Metadata) -> bytes:
    """Chunks to stand between IHDR and IDAT (PNG section 5.6)."""
    parts = []
    if metadata.icc:
        parts.append(chunk(b"iCCP", b"ICC profile\0\0" + zlib.compress(metadata.icc)))
    if metadata.density:
        parts.append(chunk(b"pHYs", _phys(metadata.density)))
    if metadata.exif:
        parts.append(chunk(b"eXIf", metadata.exif))
    if metadata.xmp:
        parts.append(chunk(b"iTXt", _XMP + bytes(4) + metadata.xmp))
    return b"".join(parts)


def _phys(density: Density) -> bytes:
    x, y = (min(max(round(v), 1), 2**31 - 1) for v in (density.x, density.y))
    return x.to_bytes(4, "big") + y.to_bytes(4, "big") + bytes((int(density.absolute),))
