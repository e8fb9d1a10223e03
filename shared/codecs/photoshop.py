"""Photoshop's image resources, in JPEG's APP13 and TIFF's tag 34377 (Photoshop File Formats, 2019).

Of some hundred kinds those stay that are text, rights and resolution; thumbnails, profiles and what describes
inks, layers and slices go.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator

_BLOCK = b"8BIM"
_MAX_BLOCKS = 1000
"""Blocks that are looked at; there are some thirty kinds in use."""
_KEPT = {
    0x03ED,  # ResolutionInfo
    0x0404,  # IPTC-NAA record
    0x040A,  # Copyright flag
    0x040B,  # URL
    0x0425,  # digest of the IPTC record
}


def kept_resources(data: bytes) -> bytes | None:
    """The blocks that a grey picture keeps, up to the first damage; None if there are none."""
    blocks = itertools.islice(_blocks(data), _MAX_BLOCKS)
    return b"".join(block for kind, block in blocks if kind in _KEPT) or None


def _blocks(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Kind and bytes of each block: signature, kind, Pascal string, length, data; strings and data padded."""
    start = 0
    while data[start : start + 4] == _BLOCK and start + 7 <= len(data):
        kind, name = int.from_bytes(data[start + 4 : start + 6], "big"), data[start + 6]
        length_at = start + 6 + (1 + name + 1) // 2 * 2
        length = int.from_bytes(data[length_at : length_at + 4], "big")
        end = length_at + 4 + length
        if end > len(data):
            return
        yield kind, data[start:end] + bytes(length % 2)
        start = end + length % 2
