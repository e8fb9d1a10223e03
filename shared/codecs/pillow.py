"""Every format and kind that only Pillow reads, decoded whole.

Untrusted bytes meet C decoders here, so a worker runs this in a child process (`worker.child`).
"""

from __future__ import annotations

import contextlib
import io
import warnings
from collections.abc import Generator, Iterator
from math import ceil

import numpy as np
import simplejpeg
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError
from PIL.TiffImagePlugin import COMPRESSION_INFO

from shared.codecs import cmyk
from shared.codecs.exif import PREFIX
from shared.codecs.formats import Format
from shared.codecs.jpeg import markers, restarts
from shared.codecs.jpeg import metadata as jpeg_metadata
from shared.codecs.jpeg.decode import is_data_lost
from shared.codecs.limits import Limits
from shared.codecs.luma import Formula, formula, with_alpha
from shared.codecs.metadata import COMMENT, Density, Metadata, Text, without_colour
from shared.codecs.picture import Band, Picture, rows_per_band
from shared.codecs.tiff import header as tiff_header
from shared.codecs.tiff import metadata as tiff_metadata
from shared.codecs.tiff import types
from shared.options import Effort, Luma
from shared.problems import ImageTooLarge, MalformedImage, Problem, UnsupportedFormat

_READ_MODES = {
    *("1", "L", "LA", "P", "PA", "RGB", "RGBA", "RGBX", "RGBa", "La", "CMYK", "YCbCr"),
    *("I;16", "I;16B", "I;16L", "I;16N"),
}
"""Not among them: 32-bit samples, whose range is not known, and LAB and HSV, which are no sums of colours."""
_SCANS_OF_THE_LARGEST = 20
"""Scans the largest image may have; an encoder writes some ten."""
_T4_WRITABLE = 0b101
"""Two dimensions, and EOLs that end on bytes; nobody writes uncompressed mode."""
_INCH = 0.0254
_ORIENTATION = 0x0112
_TURN = Image.Transpose
_UNTURN = {
    2: _TURN.FLIP_LEFT_RIGHT,
    3: _TURN.ROTATE_180,
    4: _TURN.FLIP_TOP_BOTTOM,
    5: _TURN.TRANSPOSE,
    6: _TURN.ROTATE_90,
    7: _TURN.TRANSVERSE,
    8: _TURN.ROTATE_270,
}
"""Pillow applies a TIFF's orientation when it loads it; this takes it back, since the tag stays."""


def decode(
    data: memoryview, source: Format, luma: Luma, limits: Limits
) -> tuple[Picture, Metadata, tuple[str, ...]]:
    """The first frame in grey, its metadata, and notes on what was changed.

    Raises `MalformedImage`, `ImageTooLarge` or `UnsupportedFormat`.
    """
    if source is Format.JPEG:
        check_jpeg(data, limits)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        image = _open(data, source)
        limits.check(image.width, image.height, banded=False)
        with _as_malformed(f"what the {source.name} says of itself does not parse"):
            notes, metadata = _beside(image, data, source, limits)
            unturn = _UNTURN.get(image.getexif().get(_ORIENTATION, 1)) if source is Format.TIFF else None
        image = _loaded(image, luma)
    image = image if unturn is None else image.transpose(unturn)
    return _picture(image, formula(luma)), metadata, notes


def _beside(
    image: Image.Image, data: memoryview, source: Format, limits: Limits
) -> tuple[tuple[str, ...], Metadata]:
    """Notes on what is left out of a file that was opened, and its metadata."""
    if source is Format.TIFF:
        tiff = tiff_header.parse(data, limits)
        return tiff.notes, tiff_metadata.read(data, tiff.directory)
    if source is Format.JPEG:
        return (), jpeg_metadata.read(markers.parse(data, limits))
    # Of a GIF this looks no further than the second frame; to count them takes as long as there are many.
    several = bool(getattr(image, "is_animated", False))
    return ("first-frame",) if several else (), _metadata(image, limits)


def read(data: bytes, source: Format, luma: Luma) -> Picture:
    """The picture of a file whose header was looked at, in grey. Raises as `decode`."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return _picture(_loaded(_open(data, source), luma), formula(luma))


def unpacked(tiff: bytes) -> NDArray[np.uint8]:
    """(rows, width) of an 8-bit grey TIFF of ours. Raises as `decode`."""
    return np.array(_loaded(_open(tiff, Format.TIFF), Luma.BT601))


def fax(width: int, rows: int, colour: int, compression: int, t4_options: int) -> bytes:
    """A TIFF file of one strip of fax codes, all pixels 0 or all 1; black is zero."""
    out = io.BytesIO()
    image = Image.new("1", (width, rows), colour)
    tags = {types.T4_OPTIONS: t4_options & _T4_WRITABLE}
    name = COMPRESSION_INFO[compression]
    image.save(out, "TIFF", compression=name, strip_size=ceil(width / 8) * rows, tiffinfo=tags)
    return out.getvalue()


def check_jpeg(data: memoryview, limits: Limits) -> markers.JpegHeader:
    """Its header; `MalformedImage` or `ImageTooLarge` if Pillow would take it though data is missing."""
    jpeg = markers.parse(data, limits)
    limits.check(jpeg.width, jpeg.height, banded=False)
    scans = restarts.check_ends(data, jpeg, limits)
    most = _SCANS_OF_THE_LARGEST * limits.max_pixels_whole
    if scans * jpeg.width * jpeg.height > most:
        raise ImageTooLarge.over(
            f"{scans} scans over all pixels",
            limit=most,
            actual=scans * jpeg.width * jpeg.height,
            setting="GRISAILLE_MAX_PIXELS_WHOLE",
        )
    try:
        # Small, since only the entropy decoder's verdict is wanted.
        space = "CMYK" if jpeg.channels == 4 else "GRAY"
        simplejpeg.decode_jpeg(data, space, min_height=1, min_width=1, min_factor=8, strict=True)
    except ValueError as exc:
        if is_data_lost(str(exc)):
            raise MalformedImage(f"the scans do not decode: {exc}") from exc
    return jpeg


def _open(data: memoryview | bytes, source: Format) -> Image.Image:
    Image.MAX_IMAGE_PIXELS = None  # our own limits follow, and name their setting
    with _as_malformed(f"the {source.name} header does not parse"):
        try:
            return Image.open(io.BytesIO(data), formats=[source.name])
        except UnidentifiedImageError as exc:
            raise MalformedImage(f"no {source.name} file that the decoder knows") from exc


@contextlib.contextmanager
def _as_malformed(what: str) -> Generator[None]:
    """`MalformedImage` for whatever Pillow raises over damage; a lack of memory is not the file's fault."""
    try:
        yield
    except (Problem, MemoryError):
        raise
    except Exception as exc:
        raise MalformedImage(f"{what}: {exc}") from exc


def _loaded(image: Image.Image, luma: Luma) -> Image.Image:
    """The image with its pixels decoded: inks as colours, and grey at once where libjpeg stores it."""
    if image.mode not in _READ_MODES:
        raise UnsupportedFormat(f"pixels of mode {image.mode} are not supported")
    if luma is Luma.BT601:
        image.draft("L", None)
    with _as_malformed("the image does not decode"):
        image.load()
        if image.mode == "CMYK":
            return cmyk.rgb(image)
        return image.convert("LA") if image.mode == "La" else image  # it converts to nothing else


def _picture(image: Image.Image, to_grey: Formula) -> Picture:
    """Grey of a loaded image, with alpha if it has any; 16 bits stay 16 bits."""
    if image.mode.startswith("I;16"):
        return Picture(image.width, image.height, 1, _bands(image, np.uint16), 16)
    alpha = image.has_transparency_data
    if image.mode in {"1", "L", "LA"} and alpha == (image.mode == "LA"):
        mode = "LA" if alpha else "L"
        return Picture(image.width, image.height, len(mode), _bands(image, np.uint8, mode))
    if not alpha:
        return Picture(image.width, image.height, 1, map(to_grey, _bands(image, np.uint8, "RGB")))
    both = (with_alpha(to_grey(band), band) for band in _bands(image, np.uint8, "RGBA"))
    return Picture(image.width, image.height, 2, both)


def _bands(image: Image.Image, kind: type[np.uint8 | np.uint16], mode: str | None = None) -> Iterator[Band]:
    """Samples in the mode asked for, converted band by band."""
    rows = rows_per_band(image.width * len(mode or "LL"))
    for top in range(0, image.height, rows):
        band = image.crop((0, top, image.width, min(top + rows, image.height)))
        pixels: Band = np.array(band if mode is None else band.convert(mode), kind)
        yield pixels.reshape(*pixels.shape[:2], -1)


def _metadata(image: Image.Image, limits: Limits) -> Metadata:
    found = {name: data for name, data in image.info.items() if isinstance(data, bytes)}
    exif, xmp, icc, comment = (found.get(name) for name in ("exif", "xmp", "icc_profile", "comment"))
    size = sum(len(data or b"") for data in (exif, xmp, icc, comment))
    limits.within("max_metadata_bytes", "the metadata in bytes", size)
    limits.within("max_profile_bytes", "the ICC profile in bytes", len(icc or b""))
    dpi = image.info.get("dpi")
    density = None
    if isinstance(dpi, tuple) and len(dpi) == 2 and all(0 < float(v) < 1e6 for v in dpi):
        density = Density(float(dpi[0]) / _INCH, float(dpi[1]) / _INCH, absolute=True)
    return without_colour(
        Metadata(
            exif=exif.removeprefix(PREFIX) if exif else None,
            xmp=xmp,
            density=density,
            icc=icc,
            texts=(Text(COMMENT, comment),) if comment else (),
        )
    )


def save(picture: Picture, metadata: Metadata, effort: Effort) -> bytes:
    """A WebP file (lossless) of the picture."""
    pixels = np.concatenate(list(picture.bands))
    image = Image.fromarray(pixels[:, :, 0] if picture.channels == 1 else pixels)
    hard = {Effort.FAST: 0, Effort.BALANCED: 3, Effort.SMALL: 6}[effort]
    extra: dict[str, object] = {"icc_profile": metadata.icc} if metadata.icc else {}
    extra |= {"lossless": True, "exact": True, "method": hard, "quality": 16 * hard}
    extra |= {"xmp": metadata.xmp or b"", "exif": metadata.exif or b""}
    out = io.BytesIO()
    image.convert("RGB" if picture.channels == 1 else "RGBA").save(out, "WEBP", **extra)
    return out.getvalue()
