"""The inputs of `bench.gigapixel`, 32000 x 32000 pixels, and whether a result is right: in little memory.

A tile of 7680 x 4320 pixels again and again, written by libvips while it is repeated. Its sides are multiples
of 16, so that the blocks of a JPEG of it, and its Y plane, repeat too: what a result must be is known from
the tile alone, as Pillow decodes it.
"""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyvips
from numpy.typing import NDArray
from PIL import Image

from bench import mosaic
from shared.codecs.convert import DEFAULT_QUALITY

SIDE = 32_000
_BAND_ROWS = 240
_SQUARE = 480
_ENCODERS_DIFFER = 16
"""TurboJPEG's fast DCT and Pillow's accurate one: up to 12 levels in a pixel were seen."""
_JPEG = {"Q": mosaic.QUALITY, "subsample_mode": "on"}
_MCUS_PER_ROW = SIDE // 16

Grey = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Giant:
    """A file and the grey tile that its result repeats."""

    name: str
    extension: str
    tile: Callable[[], Image.Image]
    options: dict[str, object]
    y_plane: bool = False
    """Whether the result is the stored Y plane, not grey made of RGB."""

    def path(self) -> Path:
        """The file; made if it is not there yet."""
        path = mosaic.cache_folder() / f"giant-{self.name}.{self.extension}"
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            unfinished = path.with_name(f"{os.getpid()}-{path.name}")
            self._written(SIDE, SIDE).write_to_file(str(unfinished), **self.options)
            unfinished.replace(path)
        return path

    def _written(self, width: int, height: int) -> pyvips.Image:
        tile = self.tile()
        across, down = -(-width // tile.width), -(-height // tile.height)
        whole = pyvips.Image.new_from_array(np.asarray(tile)).replicate(across, down)
        return whole.crop(0, 0, width, height)

    def expected(self, written: str) -> tuple[Grey, int]:
        """The grey tile, and by how much a pixel may differ: not at all but where it is encoded anew."""
        tile = self.tile()
        if not self.y_plane and written == "jpeg":
            return _at_default_quality(tile.convert("L")), _ENCODERS_DIFFER
        if not self.y_plane:
            return np.asarray(tile.convert("L")), 0
        encoded = self._written(*tile.size).write_to_buffer(".jpg", **self.options)
        with Image.open(io.BytesIO(encoded)) as image:
            image.draft("L", None)
            return np.asarray(image), 0


def _at_default_quality(grey: Image.Image) -> Grey:
    """What is left of it in Pillow's JPEG."""
    file = io.BytesIO()
    grey.save(file, "JPEG", quality=DEFAULT_QUALITY)
    with Image.open(file) as image:
        return np.asarray(image)


def sheet() -> Image.Image:
    """Photographs on a white sheet: the whole mosaic makes a PNG of 1.5 GB, larger than an upload may be."""
    photographs = np.asarray(mosaic.mosaic())
    white = np.full_like(photographs, 255)
    for top in range(0, white.shape[0], _SQUARE):
        for left in range(top % (2 * _SQUARE), white.shape[1], 2 * _SQUARE):
            place = (slice(top, top + _SQUARE), slice(left, left + _SQUARE))
            white[place] = photographs[place]
    return Image.fromarray(white)


GIANTS = (
    Giant("rst", "jpg", mosaic.mosaic, {**_JPEG, "restart_interval": _MCUS_PER_ROW}, y_plane=True),
    Giant("jpeg", "jpg", mosaic.mosaic, _JPEG, y_plane=True),
    Giant("png", "png", sheet, {"compression": 1, "filter": "up"}),
    Giant("tiff", "tif", sheet, {"compression": "deflate", "predictor": "horizontal", "bigtiff": True}),
)


def differing_rows(path: Path, tile: Grey, most: int) -> int:
    """How many rows of a result differ by more than `most` from the tile's; read by libvips in bands."""
    image = pyvips.Image.new_from_file(str(path), access="sequential")
    if (image.width, image.height, image.bands, image.format) != (SIDE, SIDE, 1, "uchar"):
        return SIDE
    return sum(_differing(band, _repeated(tile, row, len(band)), most) for row, band in _bands(image))


def _differing(band: Grey, expected: Grey, most: int) -> int:
    distance = np.maximum(band, expected) - np.minimum(band, expected)
    return int((distance > most).any(axis=1).sum())


def _bands(image: pyvips.Image) -> Iterator[tuple[int, Grey]]:
    region = pyvips.Region.new(image)
    for row in range(0, SIDE, _BAND_ROWS):
        rows = min(_BAND_ROWS, SIDE - row)
        yield row, np.frombuffer(region.fetch(0, row, SIDE, rows), np.uint8).reshape(rows, SIDE)


def _repeated(tile: Grey, row: int, rows: int) -> Grey:
    """Rows of a picture that repeats the tile."""
    height, width = tile.shape
    below = tile[[(row + i) % height for i in range(rows)]]
    return np.tile(below, (1, -(-SIDE // width)))[:, :SIDE]
