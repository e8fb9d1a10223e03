"""Grey pixels to baseline JPEG in the one layout whose stripes join anywhere.

Restart interval ceil(W/8): one RST after each row of 8x8 blocks. No encoder at hand writes that
from bands and frees the GIL, so every block row is encoded on its own and the pieces are joined.
Standard Huffman tables (T.81 K.3) throughout: tables cannot change inside a scan.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from math import ceil
from typing import TypeAlias

import simplejpeg
from PIL import Image

from shared.codecs.jpeg.markers import DQT, EOI, RST0, JpegHeader, parse
from shared.codecs.jpeg.split import rebuilt_header
from shared.codecs.picture import Band, Collect, Picture, Pieces

BlockRowEncoder: TypeAlias = Callable[[Band], bytes]
"""Up to 8 rows (rows, width, 1) to a JPEG file."""


def _zigzag(place: int) -> tuple[int, int]:
    """Sort key of a place in an 8x8 block: its diagonal, then up or down along it (T.81 A.3.6)."""
    row, column = divmod(place, 8)
    return row + column, row if (row + column) % 2 else column


_ZIGZAG = sorted(range(64), key=_zigzag)
"""Place of each value in zig-zag order."""


def at_quality(quality: int) -> BlockRowEncoder:
    """An encoder with libjpeg's tables for a quality of 1-100."""

    def encode_block_row(rows: Band) -> bytes:
        encoded: bytes = simplejpeg.encode_jpeg(rows, quality, "GRAY")
        return encoded

    return encode_block_row


def with_table(table: list[int]) -> BlockRowEncoder:
    """An encoder with one quantisation table of 64 values in zig-zag order.

    Pillow's, because simplejpeg takes no tables; it holds the GIL, and wants the table row by row.
    """
    by_rows = [value for _, value in sorted(zip(_ZIGZAG, table, strict=True))]

    def encode_block_row(rows: Band) -> bytes:
        out = io.BytesIO()
        Image.fromarray(rows[:, :, 0]).save(out, "JPEG", qtables=[by_rows])
        return out.getvalue()

    return encode_block_row


def luma_table(jpeg: JpegHeader) -> list[int] | None:
    """The quantisation table of the first component, in zig-zag order; None if the file has none."""
    found = luma_quantisation(jpeg)
    if found is None:
        return None
    wide, values = found[0] >> 4, found[1:]
    return [int.from_bytes(values[i : i + 2], "big") for i in range(0, 128, 2)] if wide else list(values)


def luma_quantisation(jpeg: JpegHeader) -> bytes | None:
    """The same table as it stands in a DQT segment, with destination 0 (T.81 B.2.4.1)."""
    wanted, found = jpeg.components[0].table, None
    for payload in jpeg.payloads(DQT):
        offset = 0
        while offset < len(payload):
            precision, number = payload[offset] & 0xF0, payload[offset] & 15
            size = 128 if precision else 64
            values = bytes(payload[offset + 1 : offset + 1 + size])
            if len(values) == size and number == wanted:
                found = bytes((precision,)) + values
            offset += 1 + size
    return found


def encode(
    picture: Picture,
    encoder: BlockRowEncoder,
    applications: Callable[[], bytes] = bytes,
    collect: Collect = list,
) -> Pieces:
    """The picture (one channel) as a JPEG file, in pieces.

    `applications` are whole APPn segments, asked for when the last band was read: only then are all known.
    """
    heads = list[JpegHeader]()
    body = collect(_entropy_coded(picture, encoder, heads))
    return [_header(heads[0], picture, applications()), *body, bytes((0xFF, EOI))]


def _entropy_coded(picture: Picture, encoder: BlockRowEncoder, heads: list[JpegHeader]) -> Iterator[bytes]:
    """All bands, with their restart markers; the header of the first block row is put into `heads`."""
    number = 0
    for band in picture.bands:
        block_rows = []
        for row in range(0, band.shape[0], 8):
            encoded = encoder(band[row : row + 8])
            if heads:
                block_rows.append(bytes((0xFF, RST0 + number % 8)))
                number += 1
            else:
                heads.append(parse(memoryview(encoded)))
            block_rows.append(encoded[heads[0].ecs_start : -2])
        yield b"".join(block_rows)


def _header(first: JpegHeader, picture: Picture, applications: bytes) -> bytes:
    return rebuilt_header(
        first,
        height=picture.height,
        restart_interval=ceil(picture.width / 8),
        applications=applications,
    )
