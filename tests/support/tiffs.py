"""TIFFs for tests: written by Pillow, libvips and tifffile, or put together byte by byte."""

from __future__ import annotations

import io
import struct
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

import numpy as np
import pyvips
import tifffile
from numpy.typing import NDArray
from support import images
from support.images import Pixels, encoded, grey, image, joined, photo

from shared.codecs.limits import Limits
from shared.codecs.tiff import header, split
from shared.options import Options
from shared.problems import Problem

SIZE = WIDTH, HEIGHT = 203, 171
TILES: Mapping[str, Any] = {"tile": True, "tile_width": 64, "tile_height": 16}
"""How libvips stores rows of tiles in which there are many stripes."""
_SHORT, _LONG, _RATIONAL = 3, 4, 5


def cuts_of(data: bytes) -> split.Cuts:
    """Where a file may be cut."""
    found = split.find_cuts_within(memoryview(data), header.parse(memoryview(data)), Limits())
    assert found is not None
    return found


def by_stripes(data: bytes, count: int, options: Options) -> Pixels | int:
    """Pixels of all stripes, one below the other, or the status of the first that has none."""
    cut = split.stripes(memoryview(data), cuts_of(data), count)
    try:
        return np.concatenate([images.pixels(grey(joined(stripe.pieces), options)) for stripe in cut])
    except Problem as problem:
        return problem.status


def deep(channels: int) -> NDArray[np.uint16]:
    """A photograph whose low bytes are noise."""
    wide = photo(WIDTH, HEIGHT, channels).astype(np.uint16) << 8
    noise: NDArray[np.uint16] = wide | np.random.default_rng(channels).integers(0, 256, wide.shape, np.uint16)
    return noise


def by_libvips(pixels: NDArray[Any], **save: object) -> bytes:
    """The pixels as libvips' TIFF."""
    kind = "uchar" if pixels.dtype == np.uint8 else "ushort"
    height, width, channels = pixels.shape
    made = pyvips.Image.new_from_memory(pixels.tobytes(), width, height, channels, kind)
    deep = pixels.dtype != np.uint8
    space = ("grey16" if deep else "b-w") if channels < 3 else ("rgb16" if deep else "srgb")
    written: bytes = made.copy(interpretation=space).tiffsave_buffer(**save)
    return written


def by_tifffile(pixels: NDArray[Any], order: Any = "<", **save: Any) -> bytes:
    """The pixels as tifffile's TIFF, in a byte order."""
    out = io.BytesIO()
    tifffile.imwrite(out, pixels, byteorder=order, **save)
    return out.getvalue()


def built(
    tags: Mapping[int, tuple[int, Sequence[int]]],
    pieces: Sequence[bytes],
    *,
    big: bool = False,
    order: str = "<",
    places: tuple[int, int] = (273, 279),
    next_directory: int = 0,
) -> bytes:
    """A file of these SHORT (3) and LONG (4) tags whose strips stand before its directory."""
    word = "Q" if big else "I"
    start = 16 if big else 8
    offsets = [start + sum(map(len, pieces[:i])) for i in range(len(pieces))]
    body = b"".join(pieces)
    body += bytes(-len(body) % 2)
    kind = 16 if big else _LONG
    all_tags = {places[0]: (kind, offsets), places[1]: (kind, [len(p) for p in pieces]), **tags}
    at = start + len(body)
    head = struct.pack(order + ("HHHQ" if big else "HI"), *((43, 8, 0, at) if big else (42, at)))
    behind = at + (8 if big else 2) + len(all_tags) * (20 if big else 12) + (8 if big else 4)
    entries, values = b"", b""
    for tag, (number, items) in sorted(all_tags.items()):
        raw = struct.pack(f"{order}{len(items)}{ {3: 'H', 4: 'I', 16: 'Q'}[number] }", *items)
        entries += struct.pack(f"{order}HH{word}", tag, number, len(items))
        if len(raw) > (8 if big else 4):
            entries += struct.pack(order + word, behind + len(values))
            values += raw + bytes(len(raw) % 2)
        else:
            entries += raw.ljust(8 if big else 4, b"\0")
    count = struct.pack(order + ("Q" if big else "H"), len(all_tags))
    link = struct.pack(order + word, next_directory)
    return (b"II" if order == "<" else b"MM") + head + body + count + entries + link + values


def strips(pixels: NDArray[np.uint8], rows: int, *, planes: int = 1, **file: Any) -> bytes:
    """An uncompressed RGB or grey file with strips of so many rows; with `planes` each channel apart."""
    height, width, channels = pixels.shape
    stored = [pixels] if planes == 1 else [pixels[:, :, c] for c in range(channels)]
    tags = {
        256: (_LONG, [width]),
        257: (_LONG, [height]),
        258: (_SHORT, [8] * channels),
        259: (_SHORT, [1]),
        262: (_SHORT, [2 if channels == 3 else 1]),
        277: (_SHORT, [channels]),
        278: (_LONG, [rows]),
        284: (_SHORT, [1 if planes == 1 else 2]),
    }
    pieces = [plane[row : row + rows].tobytes() for plane in stored for row in range(0, height, rows)]
    return built(tags, pieces, **file)


@cache
def files() -> dict[str, bytes]:
    """8-bit files of every kind that is cut."""
    rgb, rgba, grey = (photo(WIDTH, HEIGHT, channels) for channels in (3, 4, 1))
    made = _of_libvips({"rgb": rgb, "rgba": rgba, "grey": grey})
    for order in "<>":
        for rows in (None, 16, 7):
            name = f"{order} rows {rows}"
            made[f"tifffile {name}"] = by_tifffile(rgb, order, photometric="rgb", rowsperstrip=rows)
            made[f"tifffile white is zero {name}"] = by_tifffile(
                grey[:, :, 0], order, photometric="miniswhite", compression="zlib", rowsperstrip=rows
            )
            made[f"tifffile planes {name}"] = by_tifffile(
                np.moveaxis(rgb, 2, 0),
                order,
                photometric="rgb",
                planarconfig="separate",
                compression="zlib",
                rowsperstrip=rows,
            )
    return made | _of_pillow()


def _of_libvips(pictures: Mapping[str, NDArray[np.uint8]]) -> dict[str, bytes]:
    layouts: dict[str, dict[str, object]] = {
        "strips": {},
        "tiles": {"tile": True, "tile_width": 64, "tile_height": 48},
        "BigTIFF": {"bigtiff": True},
        "pyramid": {"pyramid": True, "tile": True, "tile_width": 64, "tile_height": 64},
    }
    made = {}
    for name, pixels in pictures.items():
        for layout, save in layouts.items():
            for compression in ("none", "lzw", "deflate", "packbits", "jpeg"):
                made[f"libvips {name} {compression} {layout}"] = by_libvips(
                    pixels, compression=compression, **save
                )
        for compression in ("lzw", "deflate"):
            made[f"libvips {name} {compression} differences"] = by_libvips(
                pixels, compression=compression, predictor="horizontal"
            )
    return made


def _of_pillow() -> dict[str, bytes]:
    picture = image(photo(WIDTH, HEIGHT))
    made = {
        f"Pillow {mode} {compression}": encoded(
            picture.convert(mode), "TIFF", compression=compression, strip_size=WIDTH * 24
        )
        for mode in ("P", "CMYK", "YCbCr")
        for compression in ("raw", "tiff_lzw", "packbits", "tiff_adobe_deflate")
    }
    for compression in ("raw", "group3", "group4", "tiff_lzw"):
        made[f"Pillow 1 {compression}"] = encoded(
            picture.convert("1"), "TIFF", compression=compression, strip_size=600
        )
    for compression in ("zstd", "lzma", "jpeg"):
        made[f"Pillow RGB {compression}"] = encoded(
            picture, "TIFF", compression=compression, strip_size=WIDTH * 3 * 24
        )
    return made
