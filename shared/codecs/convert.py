"""The whole job in one process: the one definition of what the result of a conversion is.

A worker runs it, the gateway runs it inline when there are no workers, and every distributed result
decodes to the same pixels.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import TypeAlias

from shared.codecs import luma, pillow
from shared.codecs.formats import SIGNATURE_BYTES, Format, resolve, sniff
from shared.codecs.jpeg import decode as jpeg_decode
from shared.codecs.jpeg import encode as jpeg_encode
from shared.codecs.jpeg import lossless, markers, split
from shared.codecs.jpeg import metadata as jpeg_metadata
from shared.codecs.jpeg.scan import UncleanScanError
from shared.codecs.limits import Limits, check_writable
from shared.codecs.metadata import Metadata
from shared.codecs.picture import Band, Collect, Picture, Pieces
from shared.codecs.pipeline import Stages
from shared.codecs.png import chunks
from shared.codecs.png import decode as png_decode
from shared.codecs.png import encode as png_encode
from shared.codecs.png import metadata as png_metadata
from shared.codecs.tiff import decode as tiff_decode
from shared.codecs.tiff import encode as tiff_encode
from shared.codecs.tiff import header as tiff_header
from shared.codecs.tiff import metadata as tiff_metadata
from shared.codecs.tiff import split as tiff_split
from shared.options import Keep, Luma, Options
from shared.problems import InvalidOption, MalformedImage

DEFAULT_QUALITY = 90


@dataclass(frozen=True, slots=True)
class Converted:
    """A grey image file."""

    pieces: Pieces
    format: Format
    notes: tuple[str, ...] = ()
    """What was changed besides the colour, as slugs."""

    @property
    def size(self) -> int:
        """Bytes of the file."""
        return sum(map(len, self.pieces))


@dataclass(frozen=True, slots=True)
class _Decoded:
    """A picture on its way from a decoder to an encoder."""

    picture: Picture
    metadata: Callable[[], Metadata]
    """Complete once all bands were read."""
    table: list[int] | None = None
    """The luma quantisation table of a JPEG source."""
    notes: tuple[str, ...] = ()


WholeConverter: TypeAlias = Callable[[memoryview, Options, Limits], Converted]
Watched: TypeAlias = Callable[[Iterator[Band]], Iterator[Band]]
"""The same bands, on their way."""


def never_cancelled() -> None:
    """The check of a conversion that nobody will cancel."""


def unwatched(bands: Iterator[Band]) -> Iterator[Band]:
    """The bands of a conversion that nobody watches."""
    return bands


def grey(
    data: memoryview,
    options: Options,
    limits: Limits,
    *,
    whole: WholeConverter | None = None,
    check: Callable[[], None] = never_cancelled,
    overlap: bool = False,
    spare: bool = False,
    arrived: chunks.Arrived = chunks.complete,
    watched: Watched = unwatched,
    collect: Collect = list,
) -> Converted:
    """The image in grey.

    `whole` converts what must be decoded in one piece (default: in this process); `check` is called
    before every band and may raise to end the job. With `overlap` the stages of a serial format run in
    threads of their own. With `spare`, another CPU that has nothing to do, a JPEG is decoded ahead of the
    encoder too, though without restart markers that takes a scan. Raises `MalformedImage`,
    `ImageTooLarge`, `UnsupportedFormat`, and `InvalidOption` where `rows` does not fit the image.

    The file may still be on its way into `data`: `arrived` is asked before anything of it is read. A PNG
    is then inflated while it comes in. `watched` stands between decoder and encoder. `collect` keeps the
    result until it is complete.
    """
    arrived(SIGNATURE_BYTES)
    if options.rows is not None and sniff(data) is not Format.JPEG:
        raise InvalidOption("rows is for JPEG alone")
    try:
        with Stages(threads=overlap if sniff(data) is Format.PNG else spare) as stages:
            converted = _by_bands(data, options, limits, check, stages, arrived, watched, collect)
            if converted is not None:
                return converted
    except UncleanScanError as exc:
        # A tolerant decoder has the last word, but on the whole file: a stripe is sent back.
        if options.part:
            raise MalformedImage(f"the stripe does not decode cleanly: {exc}") from exc
    arrived(len(data))
    return (whole or grey_whole)(data, options, limits)


def grey_whole(data: memoryview, options: Options, limits: Limits) -> Converted:
    """The image in grey, decoded or encoded by Pillow: whole, but for most TIFFs. Raises as `grey`."""
    source = sniff(data)
    decoded = _tiff(data, options, limits) if source is Format.TIFF else None
    if decoded is not None:
        return _encoded(decoded, options, source)
    if source is Format.PNG:
        with Stages(threads=False) as stages:
            return _encoded(
                _png(data, options, limits, never_cancelled, stages, banded=False), options, source
            )
    picture, metadata, notes = pillow.decode(data, source, options.luma, limits)
    table = jpeg_encode.luma_table(markers.parse(data, limits)) if source is Format.JPEG else None
    return _encoded(_cropped(_Decoded(picture, lambda: metadata, table, notes), options), options, source)


def _by_bands(
    data: memoryview,
    options: Options,
    limits: Limits,
    check: Callable[[], None],
    stages: Stages,
    arrived: chunks.Arrived,
    watched: Watched,
    collect: Collect,
) -> Converted | None:
    """The image by our own codecs, or None if it is not of a kind they know."""
    source = sniff(data)
    if resolve(options.format, source) is Format.WEBP:
        return None
    if source is not Format.PNG:
        arrived(len(data))
    if source is Format.JPEG:
        return _jpeg(data, options, limits, check, stages, watched, collect)
    if source is Format.PNG:
        decoded = _png(data, options, limits, check, stages, arrived)
        return _encoded(_checked(decoded, check, watched), options, source, collect)
    return None


def _jpeg(
    data: memoryview,
    options: Options,
    limits: Limits,
    check: Callable[[], None],
    stages: Stages,
    watched: Watched,
    collect: Collect,
) -> Converted | None:
    jpeg = markers.parse(data, limits)
    where = split.find_cuts_within(data, jpeg, limits)
    if where is None:
        return None
    if options.keeps_coefficients(Format.JPEG):
        return _lossless(data, where, options, check, collect)
    scan = stages.threads or jpeg.width * jpeg.height > limits.max_pixels_whole
    if options.luma is Luma.BT601:
        picture = jpeg_decode.luma_plane(data, where, scan=scan)
    else:
        picture = jpeg_decode.through_rgb(data, where, luma.formula(options.luma), scan=scan)
    picture = replace(picture, bands=stages.ahead(picture.bands))
    decoded = _Decoded(picture, lambda: jpeg_metadata.read(jpeg), jpeg_encode.luma_table(jpeg))
    return _encoded(_checked(_cropped(decoded, options), check, watched), options, Format.JPEG, collect)


def _lossless(
    data: memoryview, where: split.Cuts, options: Options, check: Callable[[], None], collect: Collect
) -> Converted:
    rows = _kept_rows(options, where.jpeg.height)
    check_writable(where.jpeg.width, rows[1], Format.JPEG)
    applications = jpeg_metadata.write(_kept_metadata(jpeg_metadata.read(where.jpeg), options))

    def checked(piece: bytes) -> bytes:
        check()
        return piece

    return Converted(collect(map(checked, lossless.encode(data, where, rows, applications))), Format.JPEG)


def _png(
    data: memoryview,
    options: Options,
    limits: Limits,
    check: Callable[[], None],
    stages: Stages,
    arrived: chunks.Arrived = chunks.complete,
    *,
    banded: bool = True,
) -> _Decoded:
    header = chunks.parse_header(data, arrived)
    limits.check(header.width, header.height, banded=banded and not header.interlaced)
    png = chunks.stream(data, arrived, limits)
    notes = ("first-frame",) if png.find(b"acTL") else ()
    to_grey = luma.formula(options.luma)
    icc = png_metadata.profile(png, limits)
    picture = png_decode.grey(png, to_grey, stages, check)
    return _Decoded(picture, lambda: png_metadata.read(png, to_grey, icc), notes=notes)


def _tiff(data: memoryview, options: Options, limits: Limits) -> _Decoded | None:
    tiff = tiff_header.parse(data, limits)
    where = tiff_split.find_cuts_within(data, tiff, limits)
    if where is None:
        return None
    picture = tiff_decode.grey(data, where, options.luma, limits)
    return _Decoded(picture, lambda: tiff_metadata.read(data, tiff.directory), notes=tiff.notes)


def _kept_rows(options: Options, height: int) -> tuple[int, int]:
    """(first, count) of the rows that `rows` asks for."""
    first, count = options.rows or (0, height)
    if first + count > height:
        raise InvalidOption(f"rows={first}:{count} of an image of {height} rows")
    return first, count


def _cropped(decoded: _Decoded, options: Options) -> _Decoded:
    first, count = _kept_rows(options, decoded.picture.height)
    if count == decoded.picture.height:
        return decoded
    bands = _kept(decoded.picture.bands, first, first + count)
    return replace(decoded, picture=replace(decoded.picture, height=count, bands=bands))


def _kept(bands: Iterator[Band], first: int, end: int) -> Iterator[Band]:
    row = 0
    for band in bands:
        kept = band[max(first - row, 0) : max(end - row, 0)]
        row += band.shape[0]
        if kept.shape[0]:
            yield kept


def _checked(decoded: _Decoded, check: Callable[[], None], watched: Watched) -> _Decoded:
    def checked(band: Band) -> Band:
        check()
        return band

    picture = decoded.picture.each(checked)
    return replace(decoded, picture=replace(picture, bands=watched(picture.bands)))


def _encoded(decoded: _Decoded, options: Options, source: Format, collect: Collect = list) -> Converted:
    written = resolve(options.format, source)
    picture, notes = decoded.picture, decoded.notes
    check_writable(picture.width, picture.height, written)

    def metadata() -> Metadata:
        return _kept_metadata(decoded.metadata(), options)

    if picture.depth == 16 and written not in {Format.PNG, Format.TIFF}:
        picture, notes = picture.each(luma.narrowed, depth=8), (*notes, "narrowed")
    if written is Format.PNG:
        pieces = png_encode.encode(picture, options.effort, lambda: png_metadata.write(metadata()), collect)
        return Converted(pieces, written, notes)
    if written is Format.TIFF:
        pieces = tiff_encode.encode(picture, options.effort, lambda: tiff_metadata.write(metadata()), collect)
        return Converted(pieces, written, notes)
    if written is Format.WEBP:
        return Converted([pillow.save(picture, metadata(), options.effort)], written, notes)
    if picture.channels == 2:
        picture, notes = picture.each(luma.flattened, channels=1), (*notes, "flattened")
    encoder, note = _jpeg_encoder(decoded, options)
    pieces = jpeg_encode.encode(picture, encoder, lambda: jpeg_metadata.write(metadata()), collect)
    return Converted(pieces, written, notes + note)


def _kept_metadata(metadata: Metadata, options: Options) -> Metadata:
    return Metadata() if options.part or options.metadata is Keep.STRIP else metadata


def _jpeg_encoder(decoded: _Decoded, options: Options) -> tuple[jpeg_encode.BlockRowEncoder, tuple[str, ...]]:
    """The encoder for the quality asked for, else with the source's own table, and what to note."""
    if options.quality is None and decoded.table is not None:
        return jpeg_encode.with_table(decoded.table), ("requantised",)
    return jpeg_encode.at_quality(options.quality or DEFAULT_QUALITY), ()
