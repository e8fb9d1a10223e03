"""What the first directory of a TIFF says of its picture (TIFF 6.0 section 8)."""

from __future__ import annotations

from dataclasses import dataclass

from shared.codecs.limits import DEFAULTS, Limits
from shared.codecs.tiff import types
from shared.codecs.tiff.ifd import Directory, first_directory
from shared.problems import MalformedImage, UnsupportedFormat

WHITE_IS_ZERO, BLACK_IS_ZERO, RGB, YCBCR = 0, 1, 2, 6
"""Photometric interpretations."""
DIFFERENCES = 2
"""Predictor: each sample less the one before it (section 14)."""
_UNSIGNED = 1
"""SampleFormat: unsigned whole numbers."""
SEPARATE = 2
"""PlanarConfiguration: the samples of each channel apart."""

RAW, CCITT_RLE, GROUP3, GROUP4, LZW, OLD_JPEG, JPEG = range(1, 8)
DEFLATE, OLD_DEFLATE, PACKBITS, LZMA, ZSTD = 8, 32946, 32773, 34925, 50000
FAX = {CCITT_RLE, GROUP3, GROUP4}
INDEPENDENT = FAX | {RAW, LZW, JPEG, DEFLATE, OLD_DEFLATE, PACKBITS, LZMA, ZSTD}
"""Compressions that need nothing but a strip and some tags; old JPEG has data elsewhere."""
_COMPRESSIONS = INDEPENDENT | {OLD_JPEG, 32809, 34676, 34677}
"""Those that Pillow's libtiff reads: ThunderScan and both SGILog besides.

Not the word-aligned form of fax codes: what it reads depends on where a strip is in memory.
"""
_OF_BYTES = {RAW, LZW, DEFLATE, OLD_DEFLATE, PACKBITS, LZMA, ZSTD}
_DEEP = {(WHITE_IS_ZERO, 1), (BLACK_IS_ZERO, 1), (BLACK_IS_ZERO, 2), (RGB, 3), (RGB, 4)}
"""Photometric interpretation and samples, of pictures whose 16 bits stay 16 bits."""
_WITH_ALPHA = {(WHITE_IS_ZERO, 2), (BLACK_IS_ZERO, 2), (RGB, 4)}
"""Photometric interpretation and samples, if the last one is alpha."""
_UNSPECIFIED = 0
"""ExtraSamples: nothing that is known (section 8)."""
_MOST_SAMPLES = 64
"""Of a pixel; Pillow reads six."""
_BESIDE = (types.XMP, types.PHOTOSHOP, types.ICC_PROFILE)
_PLACES = (types.STRIP_OFFSETS, types.STRIP_BYTE_COUNTS, types.TILE_OFFSETS, types.TILE_BYTE_COUNTS)
SIDES = {types.IMAGE_LENGTH, types.ROWS_PER_STRIP}
"""Tags whose values are others in a stripe."""
LAYOUT = SIDES | {
    *(types.IMAGE_WIDTH, types.BITS_PER_SAMPLE, types.COMPRESSION, types.PHOTOMETRIC, types.FILL_ORDER),
    *(types.SAMPLES_PER_PIXEL, types.PLANAR_CONFIGURATION, types.T4_OPTIONS),
    *(types.T6_OPTIONS, types.PREDICTOR, types.COLOR_MAP, types.TILE_WIDTH, types.TILE_LENGTH, types.INK_SET),
    *(types.EXTRA_SAMPLES, types.SAMPLE_FORMAT, types.JPEG_TABLES, types.YCBCR_COEFFICIENTS),
    *(types.YCBCR_SUBSAMPLING, types.YCBCR_POSITIONING, types.REFERENCE_BLACK_WHITE),
}
"""Tags that a decoder of pixels looks at. Not the orientation: it is never applied."""
_MOST_LAYOUT_BYTES = 1 << 20
"""Of their values, which every stripe repeats. The largest is a palette of 16 bits, 384 KiB."""


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
    def is_deep(self) -> bool:
        """Of 16-bit grey or RGB samples; that can be unpacked as bytes whatever they mean (`samples`)."""
        numbers = self.directory.numbers
        return (
            set(self.bits) == {16}
            and (self.photometric, self.samples) in _DEEP
            and self.compression in _OF_BYTES
            and set(numbers(types.SAMPLE_FORMAT)[: self.samples].tolist()) <= {_UNSIGNED}
            and self.directory.number(types.FILL_ORDER, 1) == 1
            and self.predictor in {1, DIFFERENCES}
        )

    @property
    def has_alpha(self) -> bool:
        """With one sample more than its colours, which does not say that it is something else."""
        kind = self.directory.number(types.EXTRA_SAMPLES, 1)
        return (self.photometric, self.samples) in _WITH_ALPHA and kind != _UNSPECIFIED

    @property
    def predictor(self) -> int:
        """1, or `DIFFERENCES`."""
        return self.directory.number(types.PREDICTOR, 1)

    @property
    def is_tiled(self) -> bool:
        """Stored in tiles, not in strips."""
        return types.TILE_WIDTH in self.directory.entries

    @property
    def planes(self) -> int:
        """How many times its rows are stored, each time with some of the samples."""
        separate = self.directory.number(types.PLANAR_CONFIGURATION, 1) == SEPARATE
        return self.samples if separate else 1

    @property
    def notes(self) -> tuple[str, ...]:
        """What is left out."""
        return ("first-frame",) if self.directory.next else ()


def parse(data: memoryview, limits: Limits = DEFAULTS) -> TiffHeader:
    """The header of a TIFF file.

    Raises `MalformedImage` if it has none or no size, `ImageTooLarge` or `UnsupportedFormat`.
    """
    directory = first_directory(data, limits)
    _check_sizes(directory, limits)
    width, height = (directory.number(tag, 0) for tag in (types.IMAGE_WIDTH, types.IMAGE_LENGTH))
    if not width or not height:
        raise MalformedImage(f"a TIFF of {width} x {height} pixels")
    bits = tuple(int(n) for n in directory.numbers(types.BITS_PER_SAMPLE)[:_MOST_SAMPLES]) or (1,)
    samples, compression = (
        directory.number(types.SAMPLES_PER_PIXEL, 1),
        directory.number(types.COMPRESSION, RAW),
    )
    if compression not in _COMPRESSIONS or not 0 < samples <= _MOST_SAMPLES:
        raise UnsupportedFormat(f"a TIFF of compression {compression} and {samples} samples a pixel")
    photometric = directory.number(types.PHOTOMETRIC, WHITE_IS_ZERO)
    if compression in FAX and (
        samples != 1 or bits != (1,) or photometric not in {WHITE_IS_ZERO, BLACK_IS_ZERO}
    ):
        raise UnsupportedFormat("fax codes of anything but black and white")
    return TiffHeader(directory, width, height, samples, bits, compression, photometric)


def _check_sizes(directory: Directory, limits: Limits) -> None:
    """Raise `ImageTooLarge` or `MalformedImage` where values take more room than any picture needs."""
    limits.within("max_metadata_bytes", "the metadata in bytes", directory.size(_BESIDE))
    profile = directory.size([types.ICC_PROFILE])
    limits.within("max_profile_bytes", "the ICC profile in bytes", profile)
    pieces = max(directory.numbers(tag).size for tag in _PLACES)
    limits.within("max_tiff_pieces", "the number of strips or tiles", pieces)
    if directory.size(LAYOUT) > _MOST_LAYOUT_BYTES:
        raise MalformedImage("tags about the pixels of more than a mebibyte")
