"""PNG files of kinds that Pillow does not write."""

from __future__ import annotations

import zlib

import numpy as np
from support.images import Pixels

from shared.codecs.png.chunks import GREY, PngHeader, chunk, ihdr


def low_depth(levels: Pixels, *, depth: int, key: int) -> bytes:
    """Grey levels of 1, 2 or 4 bits, one of them transparent."""
    height, width = levels.shape
    bits = np.unpackbits(levels[:, :, None], axis=2)[:, :, 8 - depth :].reshape(height, -1)
    rows = np.packbits(bits, axis=1)
    filtered = np.concatenate([np.zeros((height, 1), np.uint8), rows], axis=1).tobytes()
    head = ihdr(PngHeader(width, height, depth, GREY, interlaced=False))
    transparent = chunk(b"tRNS", key.to_bytes(2, "big"))
    return head + transparent + chunk(b"IDAT", zlib.compress(filtered)) + chunk(b"IEND", b"")
