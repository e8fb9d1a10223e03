"""What a file may claim before memory is spent on it. All read from the header alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from shared.codecs.formats import Format
from shared.problems import ImageTooLarge

JPEG_MAX_SIDE = 65500
"""libjpeg's JPEG_MAX_DIMENSION (jmorecfg.h)."""
WEBP_MAX_SIDE = 16383
"""14 bits (RFC 9649 section 2.6)."""

_Name: TypeAlias = Literal[
    "max_pixels",
    "max_pixels_whole",
    "max_side",
    "max_segments",
    "max_scans",
    "max_chunks",
    "max_tiff_entries",
    "max_tiff_pieces",
    "max_metadata_bytes",
    "max_profile_bytes",
]
_FORMAT_SIDE = {Format.JPEG: JPEG_MAX_SIDE, Format.WEBP: WEBP_MAX_SIDE}


@dataclass(frozen=True, slots=True)
class Limits:
    """What a file may have; the defaults are those of the services' settings."""

    max_pixels: int = 1_100_000_000
    """For images converted band by band: their pixels are never all in memory."""
    max_pixels_whole: int = 100_000_000
    """For images that must be decoded whole."""
    max_side: int = 250_000
    """Width or height; bands of 8 rows must fit in memory many times over."""
    max_segments: int = 4096
    """Of a JPEG before its first scan, and behind it: a profile and extended XMP need some hundred. Of a PNG,
    chunks that are neither pixels nor frames."""
    max_scans: int = 500
    """Of a JPEG: more than any encoder writes, and each costs a pass over the whole image."""
    max_chunks: int = 100_000
    """Of a PNG: enough for half a gigabyte in IDATs of 8 KiB, the smallest that encoders write."""
    max_tiff_entries: int = 4096
    """Of a directory; TIFF 6.0 knows some hundred tags, cameras add as many."""
    max_tiff_pieces: int = 1 << 20
    """Strips or tiles: a gigapixel in tiles of 64 x 64 has a quarter of them."""
    max_metadata_bytes: int = 32 << 20
    """All that stands beside the pixels, as stored."""
    max_profile_bytes: int = 4 << 20
    """An ICC profile, inflated; those for a press with seven inks take some two megabytes."""

    def check(self, width: int, height: int, *, banded: bool) -> None:
        """Raise `ImageTooLarge` naming the first limit that a picture of this size passes."""
        self.within("max_side", "the longer side", max(width, height))
        name: _Name = "max_pixels" if banded else "max_pixels_whole"
        self.within(name, f"{width} x {height} pixels", width * height)

    def within(self, name: _Name, what: str, actual: int) -> None:
        """Raise `ImageTooLarge` if there is more than the limit of this name."""
        limit: int = getattr(self, name)
        if actual > limit:
            raise ImageTooLarge.over(what, limit=limit, actual=actual, setting=f"GRISAILLE_{name.upper()}")


DEFAULTS = Limits()


def check_writable(width: int, height: int, written: Format) -> None:
    """Raise `ImageTooLarge` if the format to write has no room for sides of this length."""
    side, limit = max(width, height), _FORMAT_SIDE.get(written)
    if limit is not None and side > limit:
        raise ImageTooLarge.over(
            f"the longer side for {written.name} output",
            limit=limit,
            actual=side,
            setting="format",
        )
