"""What the first directory of a TIFF says of its picture (TIFF 6.0 section 8)."""

from __future__ import annotations

from dataclasses import dataclass

from shared.codecs.tiff import types
from shared.codecs.tiff.ifd import Directory, first_directory
from shared.problems import MalformedImage

WHITE_IS_ZERO, BLACK_IS_ZERO = 0, 1
SEPARATE = 2
"""PlanarConfiguration: the samples of each channel apart."""


@dataclass(frozen=True, slots=True)
class TiffHeader:
    """A picture and how it is stored."""

    directory: Directory
    width: int
    height: int
    samples: int
    """Of a pixel, extra ones included."""
    bits: tuple[int, ...]
    """Of each sample; a single number may stand for all."""
    compression: int
    photometric: int

    @property
    def depth(self) -> int:
        """Bits of the deepest sample."""
        return max(self.bits)

    @property
    def is_grey(self) -> bool:
        """Without colours."""
        return self.photometric in {WHITE_IS_ZERO, BLACK_IS_ZERO}

    @property
    def planes(self) -> int:
        """How many times its rows are stored, each time with some of the samples."""
        separate = self.directory.number(types.PLANAR_CONFIGURATION, 1) == SEPARATE
        return self.samples if separate else 1

    @property
    def notes(self) -> tuple[str, ...]:
        """What is left out."""
        return ("first-frame",) if self.directory.next else ()


def parse(data: memoryview) -> TiffHeader:
    """The header of a TIFF file; `MalformedImage` if it has none, or no size."""
    directory = first_directory(data)
    width, height = (directory.number(tag, 0) for tag in (types.IMAGE_WIDTH, types.IMAGE_LENGTH))
    if not width or not height:
        raise MalformedImage(f"a TIFF of {width} x {height} pixels")
    bits = tuple(int(n) for n in directory.numbers(types.BITS_PER_SAMPLE)[:_MOST_SAMPLES]) or (1,)
    return TiffHeader(
        directory,
        width,
        height,
        directory.number(types.SAMPLES_PER_PIXEL, 1),
        bits,
        directory.number(types.COMPRESSION, 1),
        directory.number(types.PHOTOMETRIC, WHITE_IS_ZERO),
    )


_MOST_SAMPLES = 64
