"""Every format and kind that only Pillow reads, decoded whole.

Untrusted bytes meet C decoders here, so a worker runs this in a child process (`worker.child`).
"""

from __future__ import annotations

import io
import warnings

import numpy as np
import simplejpeg
from PIL import Image, UnidentifiedImageError

from shared.codecs.formats import Format
from shared.codecs.jpeg import markers
from shared.codecs.jpeg.decode import is_data_lost
from shared.codecs.limits import Limits
from shared.codecs.metadata import (
    Density,
    Metadata,
    grey_profile,
    plain_xmp,
    without_thumbnail,
)
from shared.codecs.picture import Picture, sliced
from shared.codecs.png import chunks
from shared.codecs.png import metadata as png_metadata
from shared.codecs.png.decode import Inflater
from shared.codecs.png.layout import IEND
from shared.options import Effort, Luma
from shared.problems import ImageTooLarge, MalformedImage, UnsupportedFormat

_PLUGINS = {Format.JPEG: ("JPEG", "MPO")} | {f: (f.name,) for f in Format if f is not Format.JPEG}
_GREY_MODES = {"L", "LA"}
_READ_MODES = _GREY_MODES | {
    *("1", "P", "PA", "RGB", "RGBA", "RGBX", "RGBa", "La", "CMYK", "YCbCr"),
    *("I;16", "I;16B", "I;16L", "I;16N"),
}
"""Not among them: 32-bit samples, whose range is not known, and LAB and HSV, which are no sums of colours."""
_SCANS_OF_THE_LARGEST = 20
"""Scans the largest image may have; an encoder writes some ten."""
_INCH = 0.0254
_ORIENTATION, _XMP = 0x0112, 0x02BC
_SUB_IFDS = {0x8769, 0x8825}
_DESCRIPTIVE = _SUB_IFDS | {
    *(_ORIENTATION, 0x010E, 0x010F, 0x0110),  # ImageDescription, Make, Model
    *(0x0131, 0x0132, 0x013B, 0x8298),  # Software, DateTime, Artist, Copyright
}
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
_ADAM7 = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))
"""(first x, first y, step x, step y) of each pass (PNG section 8.2)."""


def decode(
    data: memoryview, source: Format, luma: Luma, limits: Limits
) -> tuple[Picture, Metadata, tuple[str, ...]]:
    """The first frame in grey, its metadata, and notes on what was changed.

    Raises `MalformedImage`, `ImageTooLarge` or `UnsupportedFormat`.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        readable, metadata = _checked(data, source, limits)
        image = _open(readable, source)
        limits.check(image.width, image.height, banded=False)
        frames = int(getattr(image, "n_frames", 1)) if source is not Format.JPEG else 1
        metadata = metadata or _metadata(image)
        unturn = _UNTURN.get(image.getexif().get(_ORIENTATION, 1)) if source is Format.TIFF else None
        if source is Format.PNG:
            _scale_key(image, chunks.parse_header(data).depth)
        grey, narrowed = _grey(image, luma)
        grey = grey if unturn is None else grey.transpose(unturn)
        # Pillow itself narrows 16-bit colour.
        narrowed |= source is Format.PNG and chunks.parse_header(data).depth == 16
    pixels = np.array(grey).reshape(grey.height, grey.width, -1)
    notes = (("first-frame",) if frames > 1 else ()) + (("narrowed",) if narrowed else ())
    return Picture(grey.width, grey.height, pixels.shape[2], sliced(pixels)), metadata, notes


def _checked(data: memoryview, source: Format, limits: Limits) -> tuple[memoryview | bytes, Metadata | None]:
    """The file as Pillow may read it, and its metadata where we read that ourselves.

    Refuses what Pillow would let pass: a JPEG without its EOI or with data missing, a PNG that is
    short or damaged. A PNG is handed on without the chunks that do not matter for its pixels.
    """
    if source is Format.JPEG:
        _check_jpeg(data, limits)
    if source is not Format.PNG:
        return data, None
    png = chunks.parse(data)
    limits.check(png.header.width, png.header.height, banded=False)
    inflater = Inflater(chunk.data for chunk in png.idat)
    for _ in inflater.read(_filtered_size(png.header)):
        pass
    inflater.finish()
    kept: list[bytes | memoryview] = []
    if png.palette:
        kept.append(chunks.chunk(b"PLTE", bytes(png.palette)))
    kept += [chunk.raw for chunk in png.ancillary if chunk.type == b"tRNS"]
    kept += [chunk.raw for chunk in png.chunks]
    return b"".join([chunks.ihdr(png.header), *kept, IEND]), png_metadata.read(png)


def _check_jpeg(data: memoryview, limits: Limits) -> None:
    jpeg = markers.parse(data)
    limits.check(jpeg.width, jpeg.height, banded=False)
    scans = markers.check_ends(data, jpeg)
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


def _filtered_size(header: chunks.PngHeader) -> int:
    """Bytes of all filtered rows (PNG sections 7.2, 8.2)."""
    bits = header.depth * header.channels
    if not header.interlaced:
        return header.height * (1 + (header.width * bits + 7) // 8)
    total = 0
    for x, y, step_x, step_y in _ADAM7:
        width = max(-(-(header.width - x) // step_x), 0)
        height = max(-(-(header.height - y) // step_y), 0)
        total += height * (1 + (width * bits + 7) // 8) if width else 0
    return total


def _open(data: memoryview | bytes, source: Format) -> Image.Image:
    Image.MAX_IMAGE_PIXELS = None  # our own limits follow, and name their setting
    try:
        return Image.open(io.BytesIO(data), formats=_PLUGINS[source])
    except UnidentifiedImageError as exc:
        raise MalformedImage(f"no {source.name} file that the decoder knows") from exc
    except Exception as exc:
        raise MalformedImage(f"the {source.name} header does not parse: {exc}") from exc


def _grey(image: Image.Image, luma: Luma) -> tuple[Image.Image, bool]:
    """The image in mode L or LA, and whether 16 bits were narrowed to 8."""
    if image.mode not in _READ_MODES:
        raise UnsupportedFormat(f"pixels of mode {image.mode} are not supported")
    if luma is Luma.BT601:
        image.draft("L", None)
    try:
        image.load()
        if image.mode.startswith("I;16"):
            wide = np.asarray(image).astype(np.uint32)
            return Image.fromarray(((wide * 255 + 32767) // 65535).astype(np.uint8)), True
        if image.mode in _GREY_MODES and "transparency" not in image.info:
            return image, False
        alpha = image.has_transparency_data
        return (image.convert("RGBA").convert("LA") if alpha else image.convert("L")), False
    except MemoryError:
        raise
    except Exception as exc:
        raise MalformedImage(f"the image does not decode: {exc}") from exc


def _scale_key(image: Image.Image, depth: int) -> None:
    """Bring a low-depth grey PNG's transparent value to the 8 bits Pillow scales its pixels to."""
    key = image.info.get("transparency")
    if image.mode in {"1", "L"} and isinstance(key, int):
        image.info["transparency"] = key * 255 // (2**depth - 1)


def _metadata(image: Image.Image) -> Metadata:
    exif, xmp, icc = (image.info.get(name) for name in ("exif", "xmp", "icc_profile"))
    if image.format == Format.TIFF.name:
        exif = _descriptive(image.getexif()).tobytes()
    dpi = image.info.get("dpi")
    density = None
    if isinstance(dpi, tuple) and len(dpi) == 2 and all(0 < float(v) < 1e6 for v in dpi):
        density = Density(float(dpi[0]) / _INCH, float(dpi[1]) / _INCH, absolute=True)
    return Metadata(
        exif=without_thumbnail(exif.removeprefix(b"Exif\0\0")) if isinstance(exif, bytes) else None,
        xmp=plain_xmp(xmp) if isinstance(xmp, bytes) else None,
        density=density,
        icc=grey_profile(icc) if isinstance(icc, bytes) else None,
    )


def _descriptive(exif: Image.Exif) -> Image.Exif:
    """EXIF without the tags that say how a TIFF's own pixels are stored."""
    kept = Image.Exif()
    for tag in _DESCRIPTIVE & set(exif):
        kept[tag] = exif.get_ifd(tag) if tag in _SUB_IFDS else exif[tag]
    return kept


def save(picture: Picture, written: Format, metadata: Metadata, effort: Effort) -> bytes:
    """A TIFF (deflate) or WebP (lossless) file of the picture."""
    pixels = np.concatenate(list(picture.bands))
    image = Image.fromarray(pixels[:, :, 0] if picture.channels == 1 else pixels)
    exif = Image.Exif()
    if metadata.exif:
        exif.load(b"Exif\0\0" + metadata.exif)
    extra: dict[str, object] = {"icc_profile": metadata.icc} if metadata.icc else {}
    if written is Format.WEBP:
        image = image.convert("RGB" if picture.channels == 1 else "RGBA")
        hard = {Effort.FAST: 0, Effort.BALANCED: 3, Effort.SMALL: 6}[effort]
        extra |= {"lossless": True, "method": hard, "quality": 16 * hard, "xmp": metadata.xmp or b""}
    else:
        exif = _descriptive(exif)
        extra |= {"compression": "tiff_deflate"}
        if metadata.xmp:
            exif[_XMP] = metadata.xmp
        if metadata.density:
            extra["dpi"] = (metadata.density.x * _INCH, metadata.density.y * _INCH)
    out = io.BytesIO()
    image.save(out, written.name, exif=exif, **extra)
    return out.getvalue()
