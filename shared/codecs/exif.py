"""EXIF of a grey picture: its own, byte for byte, but for the pictures in it (Exif 2.32 section 4.6).

Nothing ever moves: MakerNotes hold offsets that only their maker knows.
"""

from __future__ import annotations

from collections.abc import Iterator

from shared.codecs.jpeg import markers, restarts
from shared.problems import Problem

PREFIX = b"Exif\0\0"
"""Before EXIF in a JPEG segment; some writers leave it on elsewhere (Exif 2.32 section 4.7.2)."""
HEADERS = (b"II*\0", b"MM\0*")
"""What EXIF begins with: a TIFF header of either byte order."""
MAX_EXIF_BYTES = 1 << 20
"""Longer EXIF is left out; what does not fit one JPEG segment, 64 kB, is rare already."""
_NEXT_IFD_BYTES = 4
_ENTRY_BYTES = 12
_THUMBNAIL_TAGS = ((0x0201, 0x0202), (0x0111, 0x0117))
"""Offset and length of a thumbnail: a JPEG's, or of one strip without compression (section 4.5.8)."""
_SOI = b"\xff\xd8\xff"
_MAX_PREVIEWS = 16
"""Beginnings of a JPEG that are looked at; cameras write one or two previews."""


def without_pictures(exif: bytes) -> bytes | None:
    """EXIF with its thumbnail zeroed and IFD1 unlinked, and with every JPEG in a MakerNote zeroed.

    Of the same length. Where its directories cannot be followed only the JPEGs go. None if it does not even
    begin as EXIF does, or is too long.
    """
    if not exif.startswith(HEADERS) or len(exif) > MAX_EXIF_BYTES:
        return None
    blanked = bytearray(exif)
    for start, end in _thumbnail(exif):
        blanked[start:end] = bytes(end - start)
    for start, end in _jpegs(bytes(blanked)):
        blanked[start:end] = bytes(end - start)
    return bytes(blanked)


def _thumbnail(exif: bytes) -> Iterator[tuple[int, int]]:
    """Where the thumbnail is, and the link to the IFD that describes it."""
    ifd = _Ifds(exif, little=exif.startswith(b"II"))
    link = ifd.next_link(ifd.number(4, 4))
    first = ifd.number(link, 4) if link else 0
    if not first:
        return
    for offset_tag, length_tag in _THUMBNAIL_TAGS:
        start, length = ifd.value(first, offset_tag), ifd.value(first, length_tag)
        end = min(start + length, len(exif))
        if 0 < start < end:
            yield start, end
    yield link, link + _NEXT_IFD_BYTES


def _jpegs(exif: bytes) -> Iterator[tuple[int, int]]:
    """Where JPEG files are, from SOI to the end of the first scan: what follows it shows nothing alone."""
    start = -1
    for _ in range(_MAX_PREVIEWS):
        start = exif.find(_SOI, start + 1)
        if start < 0:
            return
        try:
            preview = memoryview(exif)[start:]
            scan = restarts.entropy_segment(preview, markers.parse(preview).ecs_start)
        except Problem:
            continue
        yield start, start + scan.next_offset
        start += scan.next_offset - 1


class _Ifds:
    """Numbers of a TIFF structure (TIFF 6.0 section 2); 0 for whatever lies outside."""

    def __init__(self, data: bytes, *, little: bool) -> None:
        self._data = data
        self._little = little

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
