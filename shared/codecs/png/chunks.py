"""The chunk structure of a PNG file (PNG section 5), every length and CRC checked."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeAlias

from isal import isal_zlib

from shared.codecs.limits import DEFAULTS, Limits
from shared.codecs.pages import passed
from shared.problems import MalformedImage

SIGNATURE = b"\x89PNG\r\n\x1a\n"
GREY, RGB, PALETTE, GREY_ALPHA, RGBA = 0, 2, 3, 4, 6
CHANNELS = {GREY: 1, RGB: 3, PALETTE: 1, GREY_ALPHA: 2, RGBA: 4}
_DEPTHS = {GREY: {1, 2, 4, 8, 16}, PALETTE: {1, 2, 4, 8}}
"""Colour types with other depths than 8 and 16 (PNG table 12)."""
_ANYWHERE = {b"tIME", b"eXIf"}
"""Found behind the image data too; any other is without effect there, as in libpng."""
_FRAMES = {b"fcTL", b"fdAT"}
"""Of an animation: pictures, not metadata."""
_MAX_LENGTH = 2**31 - 1
_FIRST_CHUNK = 8
"""Offset behind the signature."""
_WINDOW = 1 << 24
"""Bytes of a chunk that are looked at together."""


@dataclass(frozen=True, slots=True)
class PngHeader:
    """IHDR (PNG section 11.2.1)."""

    width: int
    height: int
    depth: int
    colour: int
    interlaced: bool

    @property
    def channels(self) -> int:
        """Samples per pixel as stored; 1 for a palette."""
        return CHANNELS[self.colour]

    @property
    def pixel_bytes(self) -> int:
        """Bytes of a pixel as filters count them: at least one (PNG section 9.2)."""
        return max(self.channels * self.depth // 8, 1)

    @property
    def row_bytes(self) -> int:
        """Bytes of a row, without its filter type (PNG section 7.2)."""
        return (self.width * self.channels * self.depth + 7) // 8


@dataclass(frozen=True, slots=True)
class Chunk:
    """A chunk with a good CRC."""

    type: bytes
    data: memoryview
    raw: memoryview
    """The chunk as it stands in the file: length, type, data, CRC."""
    end: int
    """Offset behind it in the file."""


@dataclass(frozen=True, slots=True)
class PngStream:
    """A PNG file that is read from front to back; every critical CRC is checked on the way."""

    header: PngHeader
    palette: memoryview | None
    ancillary: list[Chunk]
    """Those that were met so far."""
    idat: Iterator[Chunk]
    """To be consumed once: it goes on to IEND, and raises `MalformedImage` where the structure breaks."""
    first_idat_end: int
    """Offset behind the first IDAT."""

    def find(self, kind: bytes) -> memoryview | None:
        """The data of the first ancillary chunk of this type that is in its place (PNG section 5.6)."""
        found = (chunk for chunk in self.ancillary if chunk.type == kind)
        return next((c.data for c in found if kind in _ANYWHERE or c.end < self.first_idat_end), None)

    @property
    def transparency(self) -> memoryview | None:
        """The tRNS data, if it is of the length that the colour type asks for (PNG section 11.3.1.1).

        One of another length is passed over, as libpng does.
        """
        found, kind = self.find(b"tRNS"), self.header.colour
        lengths = {GREY: {2}, RGB: {6}, PALETTE: range(1, len(self.palette or b"") // 3 + 1)}
        return found if found is not None and len(found) in lengths.get(kind, ()) else None


@dataclass(frozen=True, slots=True)
class PngFile(PngStream):
    """A PNG file that is whole: it has its IHDR, IDATs and IEND, and every critical CRC is right."""

    chunks: tuple[Chunk, ...]
    """The IDATs."""


Arrived: TypeAlias = Callable[[int], None]
"""Returns once so many bytes of a file are there, or it has no more; raises if they will never be."""


def complete(_: int) -> None:
    """For a file that is there already."""


def parse_header(data: memoryview, arrived: Arrived = complete) -> PngHeader:
    """The IHDR alone; `MalformedImage` if it is missing or not legal."""
    return _header(next(_chunks(data, arrived), None))


def _header(first: Chunk | None) -> PngHeader:
    if first is None or first.type != b"IHDR":
        raise MalformedImage.at(8, "the first chunk is not IHDR")
    data = first.data
    if len(data) != 13:
        raise MalformedImage.at(16, f"an IHDR of {len(data)} bytes")
    width, height = int.from_bytes(data[0:4], "big"), int.from_bytes(data[4:8], "big")
    depth, colour, compression, filtering, interlace = data[8:13]
    if not (1 <= width <= _MAX_LENGTH and 1 <= height <= _MAX_LENGTH):
        raise MalformedImage.at(16, f"a size of {width} x {height}")
    if colour not in CHANNELS or depth not in _DEPTHS.get(colour, {8, 16}):
        raise MalformedImage.at(24, f"colour type {colour} with {depth} bits")
    if compression or filtering or interlace > 1:
        raise MalformedImage.at(26, "an unknown compression, filter or interlace method")
    return PngHeader(width, height, depth, colour, interlace == 1)


def _chunks(data: memoryview, arrived: Arrived = complete, limits: Limits = DEFAULTS) -> Iterator[Chunk]:
    """Chunks up to IEND; ancillary ones with a wrong CRC are left out."""
    arrived(_FIRST_CHUNK)
    if data[:8] != SIGNATURE:
        raise MalformedImage.at(0, "no PNG signature")
    offset, kind, count, pieces, beside = _FIRST_CHUNK, b"", 0, 0, 0
    while kind != b"IEND":
        count += 1
        limits.within("max_chunks", "the number of chunks", count)
        arrived(offset + 8)
        length, kind = int.from_bytes(data[offset : offset + 4], "big"), bytes(data[offset + 4 : offset + 8])
        end = offset + 12 + length
        if end > len(data) or length > _MAX_LENGTH:
            raise MalformedImage.at(offset, "the file ends inside a chunk")
        if not (kind.isalpha() and kind.isascii()):
            raise MalformedImage.at(offset + 4, "a chunk type that is not four letters")
        if kind[:1].islower() and kind not in _FRAMES:
            pieces, beside = pieces + 1, beside + length
            limits.within("max_segments", "the number of chunks beside the image data", pieces)
            limits.within("max_metadata_bytes", "the metadata in bytes", beside)
        arrived(end)
        stored = int.from_bytes(data[end - 4 : end], "big")
        if _crc_of(data, offset + 4, end - 4) == stored:
            yield Chunk(kind, data[offset + 8 : end - 4], data[offset:end], end)
        elif kind[:1].isupper():
            raise MalformedImage.at(offset, f"the CRC of {kind.decode()} is wrong")
        passed(data, offset, end)
        offset = end


def _crc_of(data: memoryview, start: int, end: int) -> int:
    """The CRC of bytes [start, end), which may be more than memory should hold."""
    crc = 0
    for begin in range(start, end, _WINDOW):
        stop = min(begin + _WINDOW, end)
        crc = isal_zlib.crc32(data[begin:stop], crc)
        if end - start > _WINDOW:
            passed(data, begin, stop)
    return crc


def stream(data: memoryview, arrived: Arrived = complete, limits: Limits = DEFAULTS) -> PngStream:
    """The file up to its first IDAT, the rest to follow; `MalformedImage` where its structure breaks."""
    chunks = _chunks(data, arrived, limits)
    header = _header(next(chunks, None))
    palette: memoryview | None = None
    ancillary: list[Chunk] = []
    for chunk in chunks:
        match chunk.type:
            case b"PLTE" if palette is None:
                palette = _plte(chunk, header)
            case b"IDAT" if header.colour != PALETTE or palette is not None:
                return PngStream(header, palette, ancillary, _image_data(chunk, chunks, ancillary), chunk.end)
            case kind if kind[:1].isupper():
                raise MalformedImage(f"chunk {kind.decode()} is unknown or out of place")
            case _:
                ancillary.append(chunk)
    raise MalformedImage.at(len(data), "no IDAT")


def _image_data(first: Chunk, rest: Iterator[Chunk], ancillary: list[Chunk]) -> Iterator[Chunk]:
    """The IDATs, which must follow each other; what comes behind them is checked and kept."""
    yield first
    previous = first
    for chunk in rest:
        match chunk.type:
            case b"IDAT" if previous.type == b"IDAT":
                yield chunk
            case b"IEND":
                pass
            case kind if kind[:1].isupper():
                raise MalformedImage(f"chunk {kind.decode()} is unknown or out of place")
            case _:
                ancillary.append(chunk)
        previous = chunk


def parse(data: memoryview) -> PngFile:
    """The whole file; `MalformedImage` where its structure breaks (PNG section 5.6)."""
    png = stream(data)
    idat = tuple(png.idat)
    return PngFile(png.header, png.palette, png.ancillary, iter(idat), png.first_idat_end, idat)


def _plte(chunk: Chunk, header: PngHeader) -> memoryview:
    entries, odd = divmod(len(chunk.data), 3)
    limit = 2**header.depth if header.colour == PALETTE else 256
    if odd or not 1 <= entries <= limit:
        raise MalformedImage(f"a palette of {len(chunk.data)} bytes at {header.depth} bits")
    return chunk.data


def chunk(kind: bytes, data: bytes) -> bytes:
    """A chunk with its length and CRC (PNG section 5.3)."""
    return b"".join((len(data).to_bytes(4, "big"), kind, data, _crc(kind, data)))


def _crc(kind: bytes, data: bytes) -> bytes:
    return isal_zlib.crc32(data, isal_zlib.crc32(kind)).to_bytes(4, "big")


def ihdr(header: PngHeader) -> bytes:
    """Signature and IHDR chunk."""
    sizes = header.width.to_bytes(4, "big") + header.height.to_bytes(4, "big")
    kinds = bytes((header.depth, header.colour, 0, 0, int(header.interlaced)))
    return SIGNATURE + chunk(b"IHDR", sizes + kinds)
