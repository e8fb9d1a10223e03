"""Pictures for tests, made here or taken from PyPI packages, and what others make of them."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path

import numpy as np
import skimage
from numpy.typing import NDArray
from PIL import Image

from shared.codecs import convert
from shared.codecs.limits import Limits
from shared.options import Options
from shared.problems import Problem

Pixels = NDArray[np.uint8]
LIMITS = Limits()


def photo(width: int, height: int, channels: int = 3) -> Pixels:
    """A piece of a real photograph, mirrored on if it is too small; alpha is a gradient."""
    rgb = _coffee()
    rows, columns = rgb.shape[:2]
    pixels = np.pad(rgb, ((0, max(height - rows, 0)), (0, max(width - columns, 0)), (0, 0)), "reflect")[
        :height, :width
    ]
    if channels == 4:
        alpha = np.add.outer(np.arange(height), np.arange(width)).astype(np.uint8)[..., None]
        pixels = np.concatenate([pixels, alpha], axis=2)
    return np.ascontiguousarray(pixels[:, :, :channels] if channels != 1 else pixels[:, :, :1])


@cache
def _coffee() -> Pixels:
    """Rows, width and channels of 8 bits."""
    return np.asarray(Image.open(Path(skimage.__file__).parent / "data/coffee.png").convert("RGB"))


def jpeg(pixels: Pixels, **save: object) -> bytes:
    """The pixels as Pillow's JPEG."""
    return encoded(image(pixels), "JPEG", **save)


def png(pixels: Pixels, **save: object) -> bytes:
    """The pixels as Pillow's PNG."""
    return encoded(image(pixels), "PNG", **save)


def image(pixels: Pixels) -> Image.Image:
    """The pixels as Pillow's image: L, LA, RGB or RGBA."""
    return Image.fromarray(pixels[:, :, 0] if pixels.shape[2] == 1 else pixels)


def encoded(image: Image.Image, kind: str, **save: object) -> bytes:
    """A file as Pillow writes it."""
    out = io.BytesIO()
    image.save(out, kind, **save)
    return out.getvalue()


def grey(data: bytes, options: Options) -> bytes:
    """The in-process result: what every other way must agree with."""
    return b"".join(convert.grey(memoryview(data), options, LIMITS).pieces)


def unpacked(file: bytes) -> dict[bytes, bytes] | bytes:
    """A PNG as its chunks with the image data inflated; any other file as it is.

    Two runs may deflate the same data to other bytes: ISA-L hashes the third byte of a stream from a
    register that still holds an address (igzip_icf_body_h1_gr_bt.asm, write_first_byte, in isal 1.9.1), so
    that one stream in some thousands is given another match.
    """
    if not file.startswith(b"\x89PNG"):
        return file
    chunks: dict[bytes, bytes] = {}
    offset = 8
    while offset < len(file):
        size, kind = struct.unpack_from("!I4s", file, offset)
        chunks[kind] = chunks.get(kind, b"") + file[offset + 8 : offset + 8 + size]
        offset += 12 + size
    return chunks | {b"IDAT": zlib.decompress(chunks[b"IDAT"])}


def opened(data: bytes) -> Image.Image:
    """The file, fully decoded by Pillow."""
    image = Image.open(io.BytesIO(data))
    image.load()
    return image


def pixels(data: bytes) -> Pixels:
    """What Pillow decodes."""
    return np.asarray(opened(data))


def luma_plane(data: bytes) -> Pixels:
    """A JPEG's Y plane as libjpeg gives it."""
    image = Image.open(io.BytesIO(data))
    image.draft("L", None)
    return np.asarray(image.convert("L"))


def converted(data: bytes) -> Pixels:
    """Pillow's own grey; with alpha where the picture has any."""
    image = opened(data)
    if image.has_transparency_data:
        return np.asarray(image.convert("RGBA").convert("LA"))
    return np.asarray(image.convert("L"))


def verdict(work: Callable[[bytes], object], data: bytes) -> int:
    """The status an image would get: 200, or that of the problem `work` raises."""
    try:
        work(data)
    except Problem as problem:
        return problem.status
    return 200


def joined(pieces: Sequence[bytes | memoryview]) -> bytes:
    """Pieces of a file as one."""
    return b"".join(pieces)
