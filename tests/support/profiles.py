"""ICC profiles that no package brings, and what LittleCMS makes of profiles."""

from __future__ import annotations

import io
import struct
from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageCms
from support.images import Pixels

SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
_D50 = struct.pack(">3i", 0xF6D6, 0x10000, 0xD32D)
_COLOURS = {
    "r": (0.60974, 0.31111, 0.01947),
    "g": (0.20528, 0.62567, 0.06087),
    "b": (0.14919, 0.06322, 0.74457),
}
"""Adobe RGB (1998), adapted to D50: their sum is its white."""


def gamma(value: float) -> bytes:
    """A curveType of one number."""
    return struct.pack(">4s4xIH", b"curv", 1, round(value * 256))


def samples(values: Sequence[int]) -> bytes:
    """A curveType of many numbers from 0 to 65535."""
    return struct.pack(f">4s4xI{len(values)}H", b"curv", len(values), *values)


def parametric(kind: int, *numbers: float) -> bytes:
    """A parametricCurveType."""
    return struct.pack(f">4s4xHxx{len(numbers)}i", b"para", kind, *(round(n * 65536) for n in numbers))


def profile(space: bytes, tags: dict[bytes, bytes], kind: bytes = b"mntr") -> bytes:
    """A profile of version 4 with these tags besides those every one has (ICC.1 section 8.2)."""
    text = "test".encode("utf-16-be")
    localised = b"mluc" + struct.pack(">4xII4sII", 1, 12, b"enUS", len(text), 28) + text
    tags = {b"desc": localised, b"cprt": localised, b"wtpt": b"XYZ " + bytes(4) + _D50} | tags
    offset, table, body = 132 + 12 * len(tags), struct.pack(">I", len(tags)), b""
    for name, tag in tags.items():
        table += struct.pack(">4sII", name, offset + len(body), len(tag))
        body += tag + bytes(-len(tag) % 4)
    date = struct.pack(">6H", 2024, 5, 6, 7, 8, 9)
    size, version = offset + len(body), 0x04200000
    head = struct.pack(">I4xI4s4s4s12s4s28x", size, version, kind, space, b"XYZ ", date, b"acsp")
    return head + _D50 + bytes(48) + table + body


def rgb(red: bytes, green: bytes | None = None, blue: bytes | None = None) -> bytes:
    """A display profile with these tone curves; one alone is that of all three."""
    curves = {"r": red, "g": green or red, "b": blue or red}
    tags = {f"{name}TRC".encode(): curve for name, curve in curves.items()}
    for name, column in _COLOURS.items():
        numbers = struct.pack(">3i", *(round(value * 65536) for value in column))
        tags[f"{name}XYZ".encode()] = b"XYZ " + bytes(4) + numbers
    return profile(b"RGB ", tags)


def grey(curve: bytes) -> bytes:
    """A display profile for grey."""
    return profile(b"GRAY", {b"kTRC": curve})


def shown(icc: bytes, levels: Pixels) -> Pixels:
    """What LittleCMS shows as sRGB of these levels of grey, (n, 3), by a profile for grey or for RGB."""
    source = ImageCms.ImageCmsProfile(io.BytesIO(icc))
    mode = {"GRAY": "L", "RGB ": "RGB"}[source.profile.xcolor_space]
    target = ImageCms.createProfile("sRGB")
    # Unoptimised: its shortcuts for 8 bits are some levels off in the dark.
    how = ImageCms.buildTransform(
        source, target, mode, "RGB", ImageCms.Intent.RELATIVE_COLORIMETRIC, ImageCms.Flags.NOOPTIMIZE
    )
    picture = Image.fromarray(levels.reshape(1, -1)).convert(mode)
    seen: Pixels = np.asarray(how.apply(picture))[0]
    return seen
