"""PNG to bands of grey: every colour type, depth and transparency, interlaced or not (PNG section 11)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeAlias

import numpy as np

from shared.codecs.luma import Formula, with_alpha
from shared.codecs.picture import Band, Picture, sliced
from shared.codecs.pipeline import Stages
from shared.codecs.png import chunks, samples
from shared.codecs.png.chunks import PngHeader, PngStream
from shared.problems import MalformedImage

_ToGrey: TypeAlias = Callable[[Band], Band]
"""Stored samples to grey, or to grey and alpha."""


def grey(png: PngStream, formula: Formula, stages: Stages, check: Callable[[], None]) -> Picture:
    """The picture in grey, alpha kept, with 16 bits if it has them, else 8; one of less is scaled to 8.

    Transparency becomes alpha. An interlaced picture is held in grey as a whole; `check` is called with each
    band of its passes and may raise to end the job. Raises `MalformedImage` while the bands are read.
    Inflating is one stage, unfiltering and grey another, and what the reader of the bands does a third.
    """
    header = png.header
    depth = max(header.depth, 8)
    transparent = png.transparency
    has_alpha = header.colour in {chunks.GREY_ALPHA, chunks.RGBA} or transparent is not None
    channels = 2 if has_alpha else 1
    to_grey = _to_grey(png, transparent, formula)
    if header.interlaced:
        bands = _interlaced(png, to_grey, channels, check)
    else:
        bands = stages.ahead(map(to_grey, samples.bands(png, stages)))
    return Picture(header.width, header.height, channels, bands, depth)


def _interlaced(png: PngStream, to_grey: _ToGrey, channels: int, check: Callable[[], None]) -> Iterator[Band]:
    """The passes put together (PNG section 8.2)."""
    header = png.header
    whole = np.empty((header.height, header.width, channels), np.uint16 if header.depth == 16 else np.uint8)
    for found in samples.passes(png):
        place, row = whole[found.rows, found.columns], 0
        for band in map(to_grey, found.bands):
            check()
            place[row : row + band.shape[0]] = band
            row += band.shape[0]
    yield from sliced(whole)


def _to_grey(png: PngStream, transparent: memoryview | None, formula: Formula) -> _ToGrey:
    header = png.header
    if header.colour == chunks.PALETTE:
        return _through_palette(png.palette or memoryview(b""), transparent, formula)
    plain = _plain(header, formula)
    if transparent is None:
        return plain
    # Keys have 16 bits; those above the depth do not count (libpng, png_do_expand).
    key = np.frombuffer(transparent, ">u2") & (2**header.depth - 1)

    def keyed(band: Band) -> Band:
        shown = (band[:, :, : key.size] != key).any(axis=2, keepdims=True)
        grey = plain(band)
        return np.concatenate([grey, shown * grey.dtype.type(2 ** (8 * grey.itemsize) - 1)], axis=2)

    return keyed


def _plain(header: PngHeader, formula: Formula) -> _ToGrey:
    """For pictures without palette; a key is not looked at."""
    match header.colour:
        case chunks.RGB:
            return formula
        case chunks.RGBA:
            return lambda band: with_alpha(formula(band), band)
        case _ if header.depth < 8:
            scale = np.uint8(255 // (2**header.depth - 1))
            return lambda band: band * scale
        case _:
            return lambda band: band


def _through_palette(palette: memoryview, transparent: memoryview | None, formula: Formula) -> _ToGrey:
    table = formula(np.array(palette, np.uint8).reshape(1, -1, 3))[0]
    if transparent is not None:
        alpha = np.full_like(table, 255)
        alpha[: len(transparent), 0] = np.array(transparent, np.uint8)
        table = np.concatenate([table, alpha], axis=1)

    def looked_up(band: Band) -> Band:
        if int(band.max()) >= len(table):
            raise MalformedImage(f"a pixel beyond the palette of {len(table)} entries")
        return np.take(table, band[:, :, 0], axis=0)

    return looked_up
