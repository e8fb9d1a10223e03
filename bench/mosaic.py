"""The input of the measurements: a mosaic of real photographs that come with Python packages.

Deterministic, made once, kept in the user's cache folder under a name that says how it was made.
"""

from __future__ import annotations

import importlib.util
import io
import itertools
import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import PIL
from PIL import Image, ImageOps

SIZE = (7680, 4320)
HUGE_SIZE = (16384, 16384)
SMALL_SIZE = (1000, 1000)
QUALITY = 92

_RECIPE = 1
"""To be counted up when a picture made here changes: cached files of other numbers are not used."""
_TILE = 480
_PHOTOS = (
    ("skimage", "data/astronaut.png"),
    ("skimage", "data/chelsea.png"),
    ("sklearn", "datasets/images/china.jpg"),
    ("skimage", "data/coffee.png"),
    ("skimage", "data/motorcycle_left.png"),
    ("sklearn", "datasets/images/flower.jpg"),
    ("skimage", "data/rocket.jpg"),
    ("skimage", "data/retina.jpg"),
    ("skimage", "data/ihc.png"),
    ("skimage", "data/hubble_deep_field.jpg"),
)


def cache_folder() -> Path:
    """The folder of the files made here, outside the repository."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "grisaille-bench" / f"recipe-{_RECIPE}-pillow-{PIL.__version__}"


def mosaic() -> Image.Image:
    """The photographs as square tiles, one lap after the other, every other lap mirrored.

    So no tile comes twice in a row of tiles, where deflate's window of 32 KiB would find it again.
    """
    tiles = [ImageOps.fit(photo, (_TILE, _TILE), Image.Resampling.LANCZOS) for photo in _photos()]
    laps = itertools.cycle(tiles + [ImageOps.mirror(tile) for tile in tiles])
    picture = Image.new("RGB", SIZE)
    for top in range(0, SIZE[1], _TILE):
        for left in range(0, SIZE[0], _TILE):
            picture.paste(next(laps), (left, top))
    return picture


def jpeg() -> bytes:
    """The mosaic as JPEG 4:2:0 as most cameras and libraries write it, without restart markers."""
    return _cached("mosaic.jpg", lambda: _saved(mosaic(), "JPEG", quality=QUALITY, subsampling="4:2:0"))


def jpeg_with_markers() -> bytes:
    """The mosaic as the same JPEG with a restart marker after every row of MCUs."""
    return _cached(
        "mosaic-rst.jpg",
        lambda: _saved(mosaic(), "JPEG", quality=QUALITY, subsampling="4:2:0", restart_marker_rows=1),
    )


def png() -> bytes:
    """The mosaic as PNG, Pillow's defaults."""
    return _cached("mosaic.png", lambda: _saved(mosaic(), "PNG"))


INPUTS: Mapping[str, Callable[[], bytes]] = {"rst": jpeg_with_markers, "jpeg": jpeg, "png": png}
"""By the names that routes use for them."""


def small_jpeg() -> bytes:
    """The middle of the mosaic, one megapixel, as JPEG without restart markers."""
    return _cached(
        "small.jpg", lambda: _saved(_middle(mosaic()), "JPEG", quality=QUALITY, subsampling="4:2:0")
    )


def part_as_jpeg(megapixels: int, *, markers: bool) -> bytes:
    """The top of the mosaic, so many megapixels 4:3, as JPEG 4:2:0 with or without restart markers."""
    height = round((megapixels * 1e6 * 3 / 4) ** 0.5)
    part = mosaic().crop((0, 0, round(megapixels * 1e6 / height), height))
    return _saved(part, "JPEG", quality=QUALITY, subsampling="4:2:0", restart_marker_rows=int(markers))


def huge_png() -> bytes:
    """The mosaic again and again on 16384 x 16384 pixels, as PNG."""
    return _cached("huge.png", lambda: _saved(_tiled(mosaic()), "PNG"))


def _photos() -> Iterator[Image.Image]:
    for package, name in _PHOTOS:
        spec = importlib.util.find_spec(package)
        if spec is None or not spec.submodule_search_locations:
            raise ModuleNotFoundError(f"{package} brings the photograph {name}; install the test group")
        with Image.open(Path(spec.submodule_search_locations[0]) / name) as photo:
            yield photo.convert("RGB")


def _middle(picture: Image.Image) -> Image.Image:
    left, top = (picture.width - SMALL_SIZE[0]) // 2, (picture.height - SMALL_SIZE[1]) // 2
    return picture.crop((left, top, left + SMALL_SIZE[0], top + SMALL_SIZE[1]))


def _tiled(picture: Image.Image) -> Image.Image:
    """Copies beside and below each other, every other column upside down, for the reason given above."""
    copies = itertools.cycle((picture, ImageOps.flip(picture)))
    tiled = Image.new("RGB", HUGE_SIZE)
    for top in range(0, HUGE_SIZE[1], picture.height):
        for left, copy in zip(range(0, HUGE_SIZE[0], picture.width), copies, strict=False):
            tiled.paste(copy, (left, top))
    return tiled


def _saved(picture: Image.Image, kind: str, **options: object) -> bytes:
    file = io.BytesIO()
    picture.save(file, kind, **options)
    return file.getvalue()


def _cached(name: str, make: Callable[[], bytes]) -> bytes:
    path = cache_folder() / name
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        unfinished = path.with_suffix(f".{os.getpid()}")
        unfinished.write_bytes(make())
        unfinished.replace(path)
    return path.read_bytes()
