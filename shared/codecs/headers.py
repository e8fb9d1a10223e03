"""What an image file says of itself before anything is decoded."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from shared.codecs.formats import Format, sniff
from shared.codecs.jpeg import markers, split
from shared.codecs.limits import Limits
from shared.codecs.png import chunks
from shared.codecs.tiff import header as tiff_header
from shared.codecs.tiff import split as tiff_split

Cuts: TypeAlias = split.Cuts | tiff_split.Cuts
"""Where an image may be cut without being decoded."""


@dataclass(frozen=True, slots=True)
class ImageHeader:
    """The facts a plan is made from."""

    format: Format
    width: int | None = None
    """None for formats whose header only their own decoder reads."""
    height: int | None = None
    is_grey: bool | None = None
    """Without colour channels; None as above."""
    pixel_bytes: int = 1
    """Bytes of a grey pixel: 2 for 16 bits, twice as many with alpha."""
    cuts: Cuts | None = None
    """None if it cannot be cut."""
    notes: tuple[str, ...] = ()
    """What every way to convert it leaves out, as slugs."""

    @property
    def pixels(self) -> int | None:
        """Width times height, or None where they are not known."""
        return None if self.width is None or self.height is None else self.width * self.height

    @property
    def units(self) -> int:
        """The largest number of stripes."""
        return 1 if self.cuts is None else self.cuts.units


def read(data: memoryview, limits: Limits) -> ImageHeader:
    """The header of an image file, within the limits.

    Raises `UnsupportedFormat`, `MalformedImage` or `ImageTooLarge`; spends no memory on pixels.
    """
    found = sniff(data)
    if found is Format.PNG:
        png = chunks.parse_header(data)
        limits.check(png.width, png.height, banded=not png.interlaced)
        grey = png.colour in {chunks.GREY, chunks.GREY_ALPHA}
        size = _pixel_bytes(png.depth, has_alpha=png.colour in {chunks.GREY_ALPHA, chunks.RGBA})
        return ImageHeader(found, png.width, png.height, grey, size)
    if found is Format.JPEG:
        jpeg = markers.parse(data, limits)
        cuts = split.find_cuts_within(data, jpeg, limits)
        return ImageHeader(found, jpeg.width, jpeg.height, jpeg.channels == 1, cuts=cuts)
    if found is Format.TIFF:
        tiff = tiff_header.parse(data, limits)
        where = tiff_split.find_cuts_within(data, tiff, limits)
        size = _pixel_bytes(tiff.depth, has_alpha=tiff.has_alpha)
        return ImageHeader(found, tiff.width, tiff.height, tiff.is_grey, size, where, tiff.notes)
    return ImageHeader(found)


def _pixel_bytes(depth: int, *, has_alpha: bool) -> int:
    return (2 if depth == 16 else 1) * (2 if has_alpha else 1)
