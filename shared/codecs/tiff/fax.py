"""Fax codes (ITU-T T.4, T.6), which say nothing of their length and carry no checksum.

Where they end before the last row, libtiff leaves the missing rows as its memory is: those of the strip
before, or of another picture. And damage in one strip changes how it reads the next. So each strip or tile is
decoded in files of its own, once behind a white strip and once behind a black one: what comes from its codes
is the same both times, wherever the picture is cut.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from shared.codecs import pillow
from shared.codecs.formats import Format
from shared.codecs.picture import Band, sliced
from shared.codecs.stripes import Stripe
from shared.codecs.tiff import types
from shared.codecs.tiff.header import BLACK_IS_ZERO, WHITE_IS_ZERO, parse
from shared.codecs.tiff.split import Cuts
from shared.codecs.tiff.types import LONG, LOW_BIT_FIRST, TURNED, entry
from shared.codecs.tiff.write import head_with_pieces
from shared.options import Luma
from shared.problems import MalformedImage

_PLACES = (types.STRIP_OFFSETS, types.STRIP_BYTE_COUNTS)


def bands(data: memoryview, where: Cuts, stripe: Stripe) -> Iterator[Band]:
    """Rows of a stripe, 0 and 255; `MalformedImage` if the codes of a strip or tile end early."""
    blanks = _blank(where, 0), _blank(where, 1)
    offsets, sizes = where.places(stripe.first, stripe.first + stripe.rows)
    rows = []
    for down, (starts, counts) in enumerate(zip(offsets[0], sizes[0], strict=True)):
        left = stripe.rows - down * where.piece_rows
        pieces = (bytes(data[o : o + n]) for o, n in zip(starts.tolist(), counts.tolist(), strict=True))
        rows.append(np.concatenate([_piece(where, blanks, piece, left) for piece in pieces], axis=1))
    pixels = np.concatenate(rows)[:, : where.tiff.width, np.newaxis]
    yield from sliced(~pixels if where.tiff.photometric == WHITE_IS_ZERO else pixels)


def _piece(where: Cuts, blanks: tuple[bytes, bytes], piece: bytes, left: int) -> NDArray[np.uint8]:
    """(rows, width) of a strip or tile, or those that are left of them."""
    white, black = (_behind(where, blank, piece, min(where.piece_rows, left)) for blank in blanks)
    if not np.array_equal(white, black):
        raise MalformedImage("fax codes end before the last row")
    return white


def _behind(where: Cuts, blank: bytes, piece: bytes, rows: int) -> NDArray[np.uint8]:
    """(rows, width) of a strip or tile, decoded as the second strip of a file."""
    numbers = {
        types.IMAGE_WIDTH: where.piece_width,
        types.IMAGE_LENGTH: where.piece_rows + rows,
        types.BITS_PER_SAMPLE: 1,
        types.COMPRESSION: where.tiff.compression,
        types.PHOTOMETRIC: BLACK_IS_ZERO,
        types.FILL_ORDER: where.tiff.directory.number(types.FILL_ORDER, 1),
        types.T4_OPTIONS: _t4_options(where),
        types.ROWS_PER_STRIP: where.piece_rows,
    }
    order = where.tiff.directory.order
    entries = [entry(tag, LONG, [number], order) for tag, number in numbers.items()]
    head = head_with_pieces(entries, order, _PLACES, np.array([len(blank), len(piece)]), big=False)
    decoded = pillow.read(head + blank + piece, Format.TIFF, Luma.BT601)
    return np.concatenate(list(decoded.bands))[where.piece_rows :, :, 0]


def _t4_options(where: Cuts) -> int:
    return where.tiff.directory.number(types.T4_OPTIONS, 0)


def _blank(where: Cuts, colour: int) -> bytes:
    """A strip or tile of one colour in fax codes."""
    tiff = where.tiff
    made = pillow.fax(where.piece_width, where.piece_rows, colour, tiff.compression, _t4_options(where))
    directory = parse(memoryview(made)).directory
    start, size = (directory.number(tag, 0) for tag in _PLACES)
    strip = made[start : start + size]
    is_turned = tiff.directory.number(types.FILL_ORDER, 1) == LOW_BIT_FIRST
    return strip.translate(TURNED) if is_turned else strip
