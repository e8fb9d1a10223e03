"""What survives beside the pixels: EXIF, XMP, resolution and a grey ICC profile.

Each format has `read` and `write` for it; this is the common form. An RGB profile never stays on a
grey picture, and an EXIF thumbnail, which is in colour, is blanked in place.
"""

from __future__ import annotations

from dataclasses import dataclass

_NEXT_IFD_BYTES = 4
_ENTRY_BYTES = 12
_THUMBNAIL_TAGS = ((0x0201, 0x0202), (0x0111, 0x0117))
"""Offset and length of a thumbnail: a JPEG's, or of one strip without compression (Exif 2.3 4.5.8)."""


@dataclass(frozen=True, slots=True)
class Density:
    """Pixels per metre, or an aspect ratio when `absolute` is false."""

    x: float
    y: float
    absolute: bool


@dataclass(frozen=True, slots=True)
class Metadata:
    """Parts are None where the source has none."""

    exif: bytes | None = None
    """From its TIFF header on, without any format's own prefix."""
    xmp: bytes | None = None
    density: Density | None = None
    icc: bytes | None = None


def grey_profile(icc: bytes) -> bytes | None:
    """The profile if it is one for grey (ICC.1 section 7.2.6), else None."""
    return icc if icc[16:20] == b"GRAY" else None


def plain_xmp(xmp: bytes) -> bytes | None:
    """The packet unless it describes a gain map, which goes with the colours."""
    return None if b"hdrgm:" in xmp else xmp


def without_thumbnail(exif: bytes) -> bytes:
    """EXIF with its thumbnail's bytes zeroed and IFD1 unlinked; nothing moves, so MakerNotes stay valid.

    EXIF that cannot be followed is returned as it is.
    """
    order = {b"II*\0": "little", b"MM\0*": "big"}.get(exif[:4])
    if order is None:
        return exif
    ifd = _Ifds(exif, "little" if order == "little" else "big")
    link = ifd.next_link(ifd.number(4, 4))
    first = ifd.number(link, 4) if link else 0
    if not first:
        return exif
    blanked = bytearray(exif)
    for offset_tag, length_tag in _THUMBNAIL_TAGS:
        start, length = ifd.value(first, offset_tag), ifd.value(first, length_tag)
        end = min(start + length, len(exif))
        if start:
            blanked[start:end] = bytes(max(end - start, 0))
    blanked[link : link + _NEXT_IFD_BYTES] = bytes(_NEXT_IFD_BYTES)
    return bytes(blanked)


class _Ifds:
    """Numbers of a TIFF structure (TIFF 6.0 section 2); 0 for whatever lies outside."""

    def __init__(self, data: bytes, order: str) -> None:
        self._data = data
        self._little = order == "little"

    def number(self, offset: int, size: int) -> int:
        raw = self._data[offset : offset + size]
        return int.from_bytes(raw, "little" if self._little else "big") if len(raw) == size else 0

    def next_link(self, ifd: int) -> int:
        """Offset of the link to the next IFD, or 0."""
        link = ifd + 2 + _ENTRY_BYTES * self.number(ifd, 2)
        return link if ifd and link + _NEXT_IFD_BYTES <= len(self._data) else 0

    def value(self, ifd: int, tag: int) -> int:
        """The LONG value of a tag, or 0."""
        for entry in range(self.number(ifd, 2)):
            offset = ifd + 2 + _ENTRY_BYTES * entry
            if self.number(offset, 2) == tag:
                return self.number(offset + 8, 4)
        return 0
