"""What libtiff passes over in damaged strips and tiles, found before it decodes them.

It reads no further than it needs pixels. So a wrong checksum behind them, or data that goes on, tells it
nothing: they are looked at here, at the cost of inflating twice. LZW has neither checksum nor length: of
damage in it that gives too many pixels, or others, nobody can tell. Nor in fax codes (`fax`).
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
from shared.codecs.tiff import samples, types
from shared.codecs.tiff.header import DEFLATE, JPEG, LZMA, LZW, OLD_DEFLATE, PACKBITS, YCBCR, ZSTD
from shared.codecs.tiff.kernels import unpacked_size
from shared.codecs.tiff.split import Cuts
from shared.codecs.tiff.types import LOW_BIT_FIRST, TURNED
from shared.problems import ImageTooLarge, MalformedImage

_ASKED = {LZW, LZMA, ZSTD}
_INFLATED_AT_A_TIME = 1 << 18
_Check: TypeAlias = Callable[[memoryview, int, int], None]
"""Of a strip or tile, the bytes that it must decode to, and those that may follow them."""


def check(data: memoryview, where: Cuts, stripe: Stripe, limits: Limits) -> None:
    """Raise `MalformedImage` unless all strips or tiles of a stripe are whole, as far as one can tell."""
    if where.tiff.compression == JPEG:
        _check_jpegs(data, where, stripe, limits)
        return
    if where.tiff.compression in _ASKED and where.tiff.photometric == YCBCR:
        _check_by_unpacking(data, where, stripe)
        return
    check_piece = _CHECKS.get(where.tiff.compression)
    if check_piece is None:
        return
    is_turned = where.tiff.directory.number(types.FILL_ORDER, 1) == LOW_BIT_FIRST
    most = _bytes(where, where.piece_rows)
    for piece, rows in _pieces(data, where, stripe):
        least = _bytes(where, rows)
        stored = memoryview(bytes(piece).translate(TURNED)) if is_turned else piece
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
    width, down = _rows_together(where)
    return ceil(rows / down) * width


def _rows_together(where: Cuts) -> tuple[int, int]:
    """Bytes of as many rows of a strip or tile as have their chroma together, and how many these are."""
    tiff = where.tiff
    if tiff.photometric != YCBCR or tiff.planes > 1:
        return where.row_bytes, 1
    across, down = (int(n) for n in (*tiff.directory.numbers(types.YCBCR_SUBSAMPLING)[:2], 2, 2)[:2])
    if not {across, down} <= {1, 2, 4}:
        raise MalformedImage(f"chroma for every {across} x {down} pixels")
    return ceil(where.piece_width / across) * (across * down + 2), down  # section 21


def _check_by_unpacking(data: memoryview, where: Cuts, stripe: Stripe) -> None:
    """By libtiff itself, which refuses what is too short, but not where it makes colours of YCbCr."""
    width, down = _rows_together(where)
    rows = ceil(stripe.rows / down), ceil(where.piece_rows / down)
    for offsets, sizes in zip(*where.places(stripe.first, stripe.first + stripe.rows), strict=True):
        pillow.unpacked(samples.as_bytes(data, where, offsets, sizes, width, rows))


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
    for piece, rows in _pieces(data, where, stripe):
        file = memoryview(b"".join([tables[:-2], piece[2:] if tables else piece]))
        try:
            jpeg = pillow.check_jpeg(file, inner)
        except ImageTooLarge as exc:
            raise MalformedImage("a JPEG larger than its strip or tile") from exc
        if jpeg.width < where.piece_width or jpeg.height < rows:
            raise MalformedImage("a JPEG smaller than its strip or tile")  # the rest would be black
