"""The chunks about a PNG's own samples, as its grey picture has them (PNG sections 11.3.1 and 11.3.4)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import cast

import numpy as np

from shared.codecs.picture import Band
from shared.codecs.png.chunks import GREY, GREY_ALPHA, PALETTE, RGB, RGBA, PngStream, chunk

_PQ, _HLG = 16, 18
"""Transfer functions of high dynamic range (ITU-T H.273 table 3)."""
_COLOURS = {GREY: 1, RGB: 3, PALETTE: 3, GREY_ALPHA: 1, RGBA: 3}
_KNOWN = {b"gAMA", b"sRGB", b"cICP", b"sBIT", b"bKGD", b"tIME", b"pHYs", b"eXIf", b"tEXt", b"zTXt", b"iTXt"}
"""What is dealt with by name, here or in `metadata`; cHRM, iCCP and the rest are unsafe to copy."""


def about_samples(png: PngStream, to_grey: Callable[[Band], Band], *, profile: bool) -> bytes:
    """Chunks to stand between IHDR and IDAT: transfer function, significant bits, background.

    cICP goes where it is of high dynamic range, and sRGB where a grey `profile` stands beside it; what is
    not laid out as it should be goes too. `to_grey` makes the background grey as it does the pixels.
    """
    cicp, gamma, srgb = (bytes(png.find(kind) or b"") for kind in (b"cICP", b"gAMA", b"sRGB"))
    kept = [
        (b"cICP", cicp if len(cicp) == 4 and cicp[1] not in {_PQ, _HLG} and cicp[2] == 0 else b""),
        (b"gAMA", gamma if len(gamma) == 4 and any(gamma) else b""),
        (b"sBIT", _significant_bits(png)),
        (b"sRGB", srgb if len(srgb) == 1 and srgb[0] < 4 and not profile else b""),
        (b"bKGD", _background(png, to_grey)),
    ]
    return b"".join(chunk(kind, data) for kind, data in kept if data)


def copied(png: PngStream) -> Iterator[bytes]:
    """tIME, and unknown chunks before the image data that say they may be copied (section 14.2)."""
    time = png.find(b"tIME")
    if time is not None and len(time) == 7:
        yield chunk(b"tIME", bytes(time))
    for found in png.ancillary:
        is_safe = found.type[3:].islower() and found.type not in _KNOWN
        if is_safe and found.end < png.first_idat_end:
            yield bytes(found.raw)


def _depth(png: PngStream) -> int:
    """Bits of the grey picture's samples."""
    return 16 if png.header.depth == 16 else 8


def _significant_bits(png: PngStream) -> bytes:
    """The sBIT of the grey picture: the most of its colours, since a sum has no fewer (section 11.3.2.5)."""
    stored, header = bytes(png.find(b"sBIT") or b""), png.header
    colours = _COLOURS[header.colour]
    has_alpha = header.colour in {GREY_ALPHA, RGBA}
    most = 8 if header.colour == PALETTE else header.depth
    if len(stored) != colours + has_alpha or not all(1 <= bits <= most for bits in stored):
        return b""
    if has_alpha:
        return bytes((max(stored[:colours]), stored[-1]))
    opaque = png.transparency is None
    return bytes((max(stored),)) if opaque else bytes((max(stored), _depth(png)))


def _background(png: PngStream, to_grey: Callable[[Band], Band]) -> bytes:
    """The bKGD of the grey picture (section 11.3.4.1)."""
    colour = _background_colour(png)
    if colour is None:
        return b""
    peak = 2 ** _depth(png) - 1
    if len(colour) == 1:
        grey = colour[0] * peak // (2**png.header.depth - 1)
    else:
        samples = cast("Band", np.array([[colour]], np.uint16 if peak > 255 else np.uint8))
        grey = to_grey(samples)[0, 0, 0]
    return int(grey).to_bytes(2, "big")


def _background_colour(png: PngStream) -> list[int] | None:
    """One sample or three, as stored; None if there are none or out of range."""
    stored, header = bytes(png.find(b"bKGD") or b""), png.header
    if header.colour == PALETTE:
        entry = bytes(png.palette or b"")[3 * stored[0] : 3 * stored[0] + 3] if len(stored) == 1 else b""
        return list(entry) or None
    samples = [int.from_bytes(stored[i : i + 2], "big") for i in range(0, len(stored), 2)]
    right = len(stored) == 2 * _COLOURS[header.colour] and max(samples) < 2**header.depth
    return samples if right else None
