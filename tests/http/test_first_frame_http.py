"""Of animations and files with several pictures the first one, by any number of stripes, as Pillow has it."""

from __future__ import annotations

import struct
from functools import cache

import numpy as np
import pytest
from PIL import Image
from support.images import converted, encoded, image, luma_plane, photo, pixels
from support.service import Service, plan

WIDTH, HEIGHT = 64, 80


def frames(channels: int = 3) -> list[Image.Image]:
    pixels = photo(WIDTH, HEIGHT, channels)
    pixels[:, :, 3:] = 255 * (pixels[:, :, 3:] > 50)  # a GIF has no alpha between
    first = image(pixels)
    return [first, first.transpose(Image.Transpose.ROTATE_180), Image.new(first.mode, first.size, "red")]


def several(kind: str, channels: int = 3, **save: object) -> bytes:
    first, *others = frames(channels)
    return encoded(first, kind, save_all=True, append_images=others, **save)


def smaller_than_its_canvas(**save: object) -> bytes:
    """An animated GIF whose canvas is wider and higher than its first frame, which stands at (5, 7)."""
    palettes = [frame.resize((40, 50)).quantize(16) for frame in frames()]
    data = encoded(palettes[0], "GIF", save_all=True, append_images=palettes[1:], **save)
    place = data.index(b"," + struct.pack("<HHHH", 0, 0, 40, 50))
    screen, moved = struct.pack("<HH", WIDTH, HEIGHT), struct.pack("<HH", 5, 7)
    return data[:6] + screen + data[10 : place + 1] + moved + data[place + 5 :]


@cache
def files() -> dict[str, bytes]:
    return {
        "GIF": several("GIF"),
        "GIF with transparency": several("GIF", 4),
        "GIF, each frame disposed of": several("GIF", 4, disposal=2),
        "GIF smaller than its canvas": smaller_than_its_canvas(),
        "GIF smaller than its canvas, with transparency": smaller_than_its_canvas(transparency=3, disposal=2),
        "APNG": several("PNG"),
        "APNG with alpha": several("PNG", 4, disposal=1, blend=1),
        "APNG with a picture beside the animation": several("PNG", default_image=True),
        "WebP": several("WEBP", lossless=True),
        "WebP with alpha": several("WEBP", 4, lossless=True),
        "AVIF": several("AVIF"),
        "TIFF": several("TIFF", compression="tiff_lzw", strip_size=WIDTH * 3 * 8),
        "MPO": several("MPO"),
    }


@pytest.mark.parametrize("count", [1, 2, 3])
@pytest.mark.parametrize("name", files())
def test_the_first_picture_is_taken_with_its_alpha_and_that_is_noted(
    service: Service, name: str, count: int
) -> None:
    data = files()[name]
    answer = service.convert(data, stripes=count, format="png")
    wanted = luma_plane(data) if name == "MPO" else converted(data)
    assert np.array_equal(pixels(answer.content), wanted)
    assert wanted.shape[:2] == (HEIGHT, WIDTH)
    if "alpha" in name or "transparency" in name or "disposed" in name:
        assert set(wanted[:, :, 1].flat) == {0, 255}
    can_be_cut = name in {"TIFF", "MPO"} and count > 1
    assert plan(answer) == (("stripes", count) if can_be_cut else ("whole", 1))
    # The other pictures of an MPO are previews and depth maps: metadata that goes.
    assert answer.headers.get("X-Grisaille-Note") == (None if name == "MPO" else "first-frame")
