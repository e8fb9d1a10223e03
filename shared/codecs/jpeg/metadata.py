"""Metadata in JPEG's application segments (JFIF 1.02, Exif 2.3 section 4.7.2, XMP part 3, ICC.1 B.4)."""

from __future__ import annotations

from shared.codecs.jpeg.markers import APP0, APP1, APP2, JpegHeader
from shared.codecs.jpeg.split import segment
from shared.codecs.metadata import Density, Metadata, grey_profile, plain_xmp, without_thumbnail

_JFIF = b"JFIF\0"
_EXIF = b"Exif\0\0"
_XMP = b"http://ns.adobe.com/xap/1.0/\0"
_ICC = b"ICC_PROFILE\0"
_MAX_PAYLOAD = 65533
_METRE = {1: 1 / 0.0254, 2: 100.0}
"""JFIF units (1 inch, 2 cm) to pixels per metre."""


def read(jpeg: JpegHeader) -> Metadata:
    """The metadata before the first scan."""
    exif = _first(jpeg, APP1, _EXIF)
    xmp = _first(jpeg, APP1, _XMP)
    return Metadata(
        exif=without_thumbnail(exif) if exif else None,
        xmp=plain_xmp(xmp) if xmp else None,
        density=_density(jpeg),
        icc=grey_profile(_profile(jpeg)),
    )


def _first(jpeg: JpegHeader, marker: int, prefix: bytes) -> bytes | None:
    for payload in jpeg.payloads(marker):
        if bytes(payload[: len(prefix)]) == prefix:
            return bytes(payload[len(prefix) :])
    return None


def _density(jpeg: JpegHeader) -> Density | None:
    jfif = _first(jpeg, APP0, _JFIF)
    if jfif is None or len(jfif) < 7:
        return None
    unit, x, y = jfif[2], int.from_bytes(jfif[3:5], "big"), int.from_bytes(jfif[5:7], "big")
    if not x or not y or (unit == 0 and x == y):
        return None
    scale = _METRE.get(unit, 1.0)
    return Density(x * scale, y * scale, absolute=unit in _METRE)


def _profile(jpeg: JpegHeader) -> bytes:
    pieces = [bytes(p) for p in jpeg.payloads(APP2) if bytes(p[: len(_ICC)]) == _ICC]
    return b"".join(p[len(_ICC) + 2 :] for p in sorted(pieces, key=lambda p: p[len(_ICC) : len(_ICC) + 1]))


def write(metadata: Metadata) -> bytes:
    """Application segments for the head of a JPEG file; what does not fit a segment is left out."""
    parts = [segment(APP0, _jfif(metadata.density))]
    for prefix, data in ((_EXIF, metadata.exif), (_XMP, metadata.xmp)):
        if data and len(prefix) + len(data) <= _MAX_PAYLOAD:
            parts.append(segment(APP1, prefix + data))
    return b"".join(parts) + _icc_segments(metadata.icc or b"")


def _jfif(density: Density | None) -> bytes:
    unit, x, y = 0, 1, 1
    if density is not None:
        unit = _unit(density) if density.absolute else 0
        scale = _METRE.get(unit, 1.0)
        shrink = max(density.x / scale / 65535, density.y / scale / 65535, 1.0)
        x, y = (max(round(v / scale / shrink), 1) for v in (density.x, density.y))
    return _JFIF + bytes((1, 1, unit)) + x.to_bytes(2, "big") + y.to_bytes(2, "big") + bytes(2)


def _unit(density: Density) -> int:
    """Centimetres where they are exact, else inches."""
    return 2 if density.x % 100 == 0 and density.y % 100 == 0 else 1


def _icc_segments(icc: bytes) -> bytes:
    room = _MAX_PAYLOAD - len(_ICC) - 2
    pieces = [icc[i : i + room] for i in range(0, len(icc), room)]
    if len(pieces) > 255:
        return b""
    return b"".join(
        segment(APP2, _ICC + bytes((number, len(pieces))) + piece) for number, piece in enumerate(pieces, 1)
    )
