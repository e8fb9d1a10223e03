"""Which format some bytes are in, by their own signature; names and media types are not believed."""

from __future__ import annotations

from enum import StrEnum

from shared.problems import UnsupportedFormat


class Format(StrEnum):
    """An image format we read; those with a writer are in `WRITTEN`."""

    JPEG = "jpeg"
    PNG = "png"
    TIFF = "tiff"
    WEBP = "webp"
    GIF = "gif"
    BMP = "bmp"
    AVIF = "avif"

    @property
    def media_type(self) -> str:
        """The registered media type."""
        return f"image/{self.value}"

    @property
    def extension(self) -> str:
        """The usual file name extension, without its dot."""
        return {"jpeg": "jpg", "tiff": "tif"}.get(self.value, self.value)


WRITTEN = (Format.PNG, Format.JPEG, Format.TIFF, Format.WEBP)

_SIGNATURES: tuple[tuple[bytes, int, Format], ...] = (
    (b"\xff\xd8\xff", 0, Format.JPEG),
    (b"\x89PNG\r\n\x1a\n", 0, Format.PNG),
    (b"II*\0", 0, Format.TIFF),
    (b"MM\0*", 0, Format.TIFF),
    (b"II+\0", 0, Format.TIFF),
    (b"MM\0+", 0, Format.TIFF),
    (b"WEBP", 8, Format.WEBP),
    (b"GIF87a", 0, Format.GIF),
    (b"GIF89a", 0, Format.GIF),
    (b"BM", 0, Format.BMP),
    (b"ftypavif", 4, Format.AVIF),
    (b"ftypavis", 4, Format.AVIF),
)
SIGNATURE_BYTES = max(offset + len(signature) for signature, offset, _ in _SIGNATURES)
"""What `sniff` looks at."""


def sniff(data: memoryview) -> Format:
    """The format of an image file; `UnsupportedFormat` if its first bytes are none we know."""
    for signature, offset, found in _SIGNATURES:
        if data[offset : offset + len(signature)] == signature:
            return found
    known = ", ".join(known.name for known in Format)
    raise UnsupportedFormat(f"the first bytes are of no format we read ({known})")


def resolve(asked: Format | None, source: Format) -> Format:
    """The format to write: the one asked for, else the source's own, else PNG."""
    if asked is not None:
        return asked
    return source if source in WRITTEN else Format.PNG
