"""Metadata in JPEG's application segments and comments.

JFIF 1.02, Exif 2.32 section 4.7.2, XMP part 3 section 1.1.3, ICC.1 B.4, Photoshop File Formats. What no
segment has room for is left out, and so is all that is not read here: JFXX thumbnails, Adobe's colour
transform, MPF, gain maps (ISO 21496-1), extended XMP.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator

from shared.codecs.exif import HEADERS, PREFIX
from shared.codecs.jpeg.markers import APP0, APP1, APP2, APP13, COM, ICC, JpegHeader
from shared.codecs.jpeg.split import segment
from shared.codecs.metadata import COMMENT, Density, Metadata, Text, without_colour

_JFIF = b"JFIF\0"
_XMP = b"http://ns.adobe.com/xap/1.0/\0"
_PHOTOSHOP = b"Photoshop 3.0\0"
_MAX_PAYLOAD = 65533
_MAX_TEXTS = 1000
"""More are left out of a JPEG that other formats' texts go into."""
_MAX_INFLATED = 1 << 20
"""Bytes of comments that were deflated; the rest are left out: a text of 80 bytes may fill a segment."""
_METRE = {1: 1 / 0.0254, 2: 100.0}
"""JFIF units (1 inch, 2 cm) to pixels per metre."""


def read(jpeg: JpegHeader) -> Metadata:
    """The metadata before the first scan, without colour."""
    exif = _after(jpeg, APP1, PREFIX)
    xmp = _after(jpeg, APP1, _XMP)
    return without_colour(
        Metadata(
            exif=b"".join(exif[:1] + list(itertools.takewhile(_goes_on, exif[1:]))) or None,
            xmp=xmp[0] if xmp else None,
            density=_density(jpeg),
            icc=_profile(_after(jpeg, APP2, ICC)),
            photoshop=b"".join(_after(jpeg, APP13, _PHOTOSHOP)) or None,
            texts=tuple(Text(COMMENT, bytes(payload)) for payload in jpeg.payloads(COM)),
        )
    )


def _goes_on(exif: bytes) -> bool:
    """Whether a segment continues the EXIF of the one before, as some writers divide it, or is another."""
    return not exif.startswith(HEADERS)


def _after(jpeg: JpegHeader, marker: int, prefix: bytes) -> list[bytes]:
    """What follows a prefix, in all segments that begin with it."""
    payloads = (bytes(payload) for payload in jpeg.payloads(marker))
    return [payload[len(prefix) :] for payload in payloads if payload.startswith(prefix)]


def _density(jpeg: JpegHeader) -> Density | None:
    found = _after(jpeg, APP0, _JFIF)
    if not found or len(found[0]) < 7:
        return None
    jfif = found[0]
    unit, x, y = jfif[2], int.from_bytes(jfif[3:5], "big"), int.from_bytes(jfif[5:7], "big")
    if not x or not y or (unit == 0 and x == y):
        return None
    scale = _METRE.get(unit, 1.0)
    return Density(x * scale, y * scale, absolute=unit in _METRE)


def _profile(numbered: list[bytes]) -> bytes | None:
    """The pieces joined by their numbers; None if some are missing."""
    pieces = sorted(numbered)
    whole = [bytes((number, len(pieces))) for number in range(1, min(len(pieces), 255) + 1)]
    if [piece[:2] for piece in pieces] != whole:
        return None
    return b"".join(piece[2:] for piece in pieces) or None


def write(metadata: Metadata) -> bytes:
    """Application and comment segments for the head of a JPEG file."""
    xmp = metadata.xmp if metadata.xmp and len(_XMP) + len(metadata.xmp) <= _MAX_PAYLOAD else b""
    return b"".join(
        (
            segment(APP0, _jfif(metadata.density)),
            _divided(APP1, PREFIX, metadata.exif or b""),
            _divided(APP1, _XMP, xmp),
            _divided(APP13, _PHOTOSHOP, metadata.photoshop or b""),
            _icc_segments(metadata.icc or b""),
            *_comments(metadata.texts[:_MAX_TEXTS]),
        )
    )


def _divided(marker: int, prefix: bytes, data: bytes) -> bytes:
    """As many segments as it takes, each with the prefix."""
    room = _MAX_PAYLOAD - len(prefix)
    return b"".join(segment(marker, prefix + data[i : i + room]) for i in range(0, len(data), room))


def _comments(texts: Iterable[Text]) -> Iterator[bytes]:
    room = _MAX_INFLATED
    for text in texts:
        if text.deflated and room <= 0:
            continue
        comment = _comment(text)
        room -= len(comment) if text.deflated else 0
        yield comment


def _comment(text: Text) -> bytes:
    """A comment has no keyword of its own."""
    name = b"" if text.keyword == COMMENT else f"{text.keyword}: ".encode()
    read = text.read(_MAX_PAYLOAD - len(name))
    return b"" if read is None else segment(COM, name + read)


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
    room = _MAX_PAYLOAD - len(ICC) - 2
    pieces = [icc[i : i + room] for i in range(0, len(icc), room)]
    if len(pieces) > 255:
        return b""
    return b"".join(
        segment(APP2, ICC + bytes((number, len(pieces))) + piece) for number, piece in enumerate(pieces, 1)
    )
