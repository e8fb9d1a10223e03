"""PNG files of kinds that Pillow does not write, and filtered rows."""

from __future__ import annotations

import zlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
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


def filtered(rows: Pixels, kinds: Sequence[int]) -> bytes:
    """Rows filtered as told, in turn, by the definition in PNG section 9.2."""
    height, width, channels = rows.shape
    framed = np.zeros((height + 1, width + 1, channels), np.int64)
    framed[1:, 1:] = rows
    left, above, corner = framed[1:, :-1], framed[:-1, 1:], framed[:-1, :-1]
    guesses = np.stack([0 * left, left, above, (left + above) // 2, _paeth(left, above, corner)])
    used = np.resize(np.asarray(kinds), height)
    body = (rows - guesses[used, np.arange(height)]) % 256
    return np.column_stack([used, body.reshape(height, -1)]).astype(np.uint8).tobytes()


def _paeth(a: NDArray[np.int64], b: NDArray[np.int64], c: NDArray[np.int64]) -> NDArray[np.int64]:
    """As the specification has it (PNG section 9.4)."""
    p = a + b - c
    pa, pb, pc = abs(p - a), abs(p - b), abs(p - c)
    return np.where((pa <= pb) & (pa <= pc), a, np.where(pb <= pc, b, c))
