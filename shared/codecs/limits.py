"""What a file may claim before memory is spent on it. All read from the header alone."""

from __future__ import annotations

from dataclasses import dataclass

from shared.codecs.formats import Format
from shared.problems import ImageTooLarge

JPEG_MAX_SIDE = 65500
"""libjpeg's JPEG_MAX_DIMENSION (jmorecfg.h)."""
WEBP_MAX_SIDE = 16383
"""14 bits (RFC 9649 section 2.6)."""

_FORMAT_SIDE = {Format.JPEG: JPEG_MAX_SIDE, Format.WEBP: WEBP_MAX_SIDE}


@dataclass(frozen=True, slots=True)
class Limits:
    """Pixels and sides an image may have; the defaults are those of the services' settings."""

    max_pixels: int = 1_100_000_000
    """For images converted band by band: their pixels are never all in memory."""
    max_pixels_whole: int = 100_000_000
    """For images that must be decoded whole."""
    max_side: int = 250_000
    """Width or height; bands of 8 rows must fit in memory many times over."""

    def check(self, width: int, height: int, *, banded: bool) -> None:
        """Raise `ImageTooLarge` naming the first limit that a picture of this size passes."""
        side = max(width, height)
        if side > self.max_side:
            raise ImageTooLarge.over(
                "the longer side", limit=self.max_side, actual=side, setting="GRISAILLE_MAX_SIDE"
            )
        limit, setting = (
            (self.max_pixels, "GRISAILLE_MAX_PIXELS")
            if banded
            else (self.max_pixels_whole, "GRISAILLE_MAX_PIXELS_WHOLE")
        )
        if width * height > limit:
            what = f"{width} x {height} pixels"
            raise ImageTooLarge.over(what, limit=limit, actual=width * height, setting=setting)


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
