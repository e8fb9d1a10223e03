"""What libtiff passes over in damaged strips and tiles, found before it decodes them.

It reads no further than it needs pixels. So a wrong checksum behind them, or data that goes on, tells it
nothing: they are looked at here, at the cost of inflating twice. LZW has neither checksum nor length: of
damage in it that gives too many pixels, or others, nobody can tell. Nor in fax codes: where they end early
libtiff leaves the other rows of the strip as they were in the strip before it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from math import ceil
from typing import TypeAlias

import numpy as np

from shared.codecs import pillow
from shared.codecs.limits import Limits
from shared.codecs.png.inflate import Inflater
from shared.codecs.stripes import Stripe
from shared.codecs.tiff import types
from shared.codecs.tiff.header import DEFLATE, JPEG, OLD_DEFLATE, PACKBITS, YCBCR
from shared.codecs.tiff.kernels import unpacked_size
from shared.codecs.tiff.split import Cuts
from shared.problems import ImageTooLarge, MalformedImage

_LOW_BIT_FIRST = 2
"""FillOrder: of a byte; libtiff turns them before it undoes a compression other than JPEG and fax."""
_INFLATED_AT_A_TIME = 1 << 18
_TURNED = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))
_Check: TypeAlias = Callable[[memoryview, int, int], None]
"""Of a strip or tile, the bytes that it must decode to, and those that may follow them."""


def check(data: memoryview, where: Cuts, stripe: Stripe, limits: Limits) -> None:
    """Raise `MalformedImage` unless all strips or tiles of a stripe are whole, as far as one can tell."""
    if where.tiff.compression == JPEG:
        _check_jpegs(data, where, stripe, limits)
        return
    check_piece = _CHECKS.get(where.tiff.compression)
    if check_piece is None:
        return
    is_turned = where.tiff.directory.number(types.FILL_ORDER, 1) == _LOW_BIT_FIRST
    most = _bytes(where, where.piece_rows)
    for piece, rows in _pieces(data, where, stripe):
        least = _bytes(where, rows)
        stored = memoryview(bytes(piece).translate(_TURNED)) if is_turned else piece
        check_piece(stored, least, most - least)


def _pieces(data: memoryview, where: Cuts, stripe: Stripe) -> Iterator[tuple[memoryview, int]]:
    """All strips or tiles, and how many rows each must have: the last strip of a picture may have fewer."""
    places = where.places(stripe.first, stripe.first + stripe.rows)
    left = where.tiff.height - stripe.first
    for index, offset, size in zip(np.ndindex(places[0].shape), *(p.flat for p in places), strict=True):
        rows = where.piece_rows
        if not where.tiff.is_tiled:
            rows = min(rows, left - index[1] * rows)
        yield data[int(offset) : int(offset + size)], rows


def _bytes(where: Cuts, rows: int) -> int:
    """Of so many rows of a strip or tile that is not compressed."""
    tiff = where.tiff
    if tiff.photometric != YCBCR or tiff.planes > 1:
        return rows * where.row_bytes
    across, down = (int(n) for n in (*tiff.directory.numbers(types.YCBCR_SUBSAMPLING)[:2], 2, 2)[:2])
    if not {across, down} <= {1, 2, 4}:
        raise MalformedImage(f"chroma for every {across} x {down} pixels")
    return ceil(where.piece_width / across) * ceil(rows / down) * (across * down + 2)  # section 21


def _check_zlib(piece: memoryview, least: int, spare: int) -> None:
    inflater = Inflater([piece])
    for start in range(0, least, _INFLATED_AT_A_TIME):
        for _ in inflater.read(min(_INFLATED_AT_A_TIME, least - start)):
            pass
    inflater.finish(spare)


def _check_packbits(piece: memoryview, least: int, spare: int) -> None:
    if not least <= unpacked_size(np.frombuffer(piece, np.uint8)) <= least + spare:
        raise MalformedImage("a strip or tile of another size than its pixels")


_CHECKS: Mapping[int, _Check] = {
    DEFLATE: _check_zlib,
    OLD_DEFLATE: _check_zlib,
    PACKBITS: _check_packbits,
}


def _check_jpegs(data: memoryview, where: Cuts, stripe: Stripe, limits: Limits) -> None:
    """Each is a JPEG file, which may lack tables that the directory has (TIFF technical note 2)."""
    tables = where.tiff.directory.raw(types.JPEG_TABLES) or b""
    inner = Limits(limits.max_pixels, where.piece_width * where.piece_rows, limits.max_side)
    for piece, _ in _pieces(data, where, stripe):
        try:
            pillow.check_jpeg(memoryview(b"".join([tables[:-2], piece[2:] if tables else piece])), inner)
        except ImageTooLarge as exc:
            raise MalformedImage("a JPEG larger than its strip or tile") from exc
