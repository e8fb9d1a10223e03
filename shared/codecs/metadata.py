"""What survives beside the pixels: EXIF, XMP, resolution, text and a grey ICC profile.

Each format has `read` and `write` for it; this is the common form. Its rule: nothing in colour, and nothing
about colours, stays with a grey picture (docs/metadata.md has the whole table).
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass, replace

from shared.codecs.exif import without_pictures
from shared.codecs.icc import grey_profile
from shared.codecs.photoshop import kept_resources
from shared.codecs.xmp import plain_packet

COMMENT = "Comment"
"""Keyword of a text that came without one (PNG table 22: "miscellaneous comment")."""


@dataclass(frozen=True, slots=True)
class Density:
    """Pixels per metre, or an aspect ratio when `absolute` is false."""

    x: float
    y: float
    absolute: bool


@dataclass(frozen=True, slots=True)
class Text:
    """A text of a file's own, outside EXIF and XMP."""

    keyword: str
    stored: bytes
    """In UTF-8, but for the comments of JPEG and GIF, which name no encoding."""
    deflated: bool = False

    def read(self, limit: int) -> bytes | None:
        """The text, or None if it is longer than the limit in bytes, or damaged."""
        text = inflated(self.stored, limit) if self.deflated else self.stored
        return text if text is not None and len(text) <= limit else None


@dataclass(frozen=True, slots=True)
class Metadata:
    """Parts are None or empty where the source has none."""

    exif: bytes | None = None
    """From its TIFF header on, without any format's own prefix."""
    xmp: bytes | None = None
    density: Density | None = None
    icc: bytes | None = None
    photoshop: bytes | None = None
    """Image resource blocks, IPTC among them."""
    texts: tuple[Text, ...] = ()
    png: bytes = b""
    """Chunks of a PNG source that only a PNG result has a place for. They hold its `texts` too."""


def without_colour(source: Metadata) -> Metadata:
    """A source's metadata as its grey picture has it."""
    return replace(
        source,
        exif=without_pictures(source.exif) if source.exif else None,
        xmp=plain_packet(source.xmp) if source.xmp else None,
        icc=grey_profile(source.icc) if source.icc else None,
        photoshop=kept_resources(source.photoshop) if source.photoshop else None,
    )


def inflated(compressed: bytes, limit: int) -> bytes | None:
    """A zlib stream inflated, up to a byte more than the limit; None if it is damaged."""
    stream = zlib.decompressobj()
    try:
        data = stream.decompress(compressed, limit + 1)
    except zlib.error:
        return None
    return data if stream.eof or len(data) > limit else None
