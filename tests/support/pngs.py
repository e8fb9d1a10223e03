"""PNG files of kinds that Pillow does not write, and filtered rows."""

from __future__ import annotations

import zlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from support.images import Pixels

from shared.codecs.png.chunks import GREY, PALETTE, RGB, PngHeader, chunk, ihdr

DEPTHS = {0: (1, 2, 4, 8, 16), 2: (8, 16), 3: (1, 2, 4, 8), 4: (8, 16), 6: (8, 16)}
"""Of each colour type (PNG table 12)."""
_CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
_ADAM7 = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))


def any_kind(
    width: int, height: int, colour: int, depth: int, *, interlaced: bool, transparent: bool
) -> bytes:
    """Random samples as a PNG; `transparent` adds a tRNS chunk where one is allowed.

    A key is the value of a corner, so that it occurs; rows are filtered in turn by all types.
    """
    random = np.random.default_rng(width + height)
    samples = random.integers(0, 1 << depth, (height, width, _CHANNELS[colour]))
    before = b""
    if colour == PALETTE:
        before = chunk(b"PLTE", random.bytes(3 << depth))
    if transparent and colour == PALETTE:
        before += chunk(b"tRNS", random.bytes((1 << depth) - 1))
    elif transparent and colour in {GREY, RGB}:
        before += chunk(b"tRNS", samples[0, 0].astype(">u2").tobytes())
    places = _ADAM7 if interlaced else ((0, 0, 1, 1),)
    reduced = [samples[y::step_y, x::step_x] for x, y, step_x, step_y in places]
    rows = b"".join(filtered(packed(found, depth), range(5)) for found in reduced if found.size)
    head = ihdr(PngHeader(width, height, depth, colour, interlaced=interlaced))
    return head + before + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def packed(samples: NDArray[np.int64], depth: int) -> Pixels:
    """Samples as the bytes of rows, (rows, pixels or bytes, bytes)."""
    if depth >= 8:
        return samples.astype(f">u{depth // 8}").view(np.uint8).reshape(*samples.shape[:2], -1)
    bits = np.unpackbits(samples.astype(np.uint8)[:, :, :1], axis=2)[:, :, 8 - depth :]
    return np.packbits(bits.reshape(len(samples), -1), axis=1)[:, :, None]


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
