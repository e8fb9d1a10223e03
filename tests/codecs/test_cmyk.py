"""Inks become the greys that libvips sees: by the profile in the file, or by the plain formula."""

from __future__ import annotations

import numpy as np
import pytest
import pyvips
from PIL import Image
from support import vips
from support.images import Pixels, encoded, grey, photo, pixels
from support.metadata import read_jpeg

from shared.codecs.formats import Format
from shared.options import Luma, Options

PRESS = pyvips.Image.profile_load("cmyk")
"""The profile of a press that comes with libvips."""
KINDS = ["JPEG", "YCCK", "without Adobe", "TIFF"]


def inks() -> Pixels:
    """A photograph as (rows, width, 4), 0 being no ink: half of what the inks share is black."""
    missing = 255 - photo(96, 64).astype(float)
    black = missing.min(axis=2, keepdims=True) // 2
    colours = (missing - black) / (255 - black) * 255
    return np.concatenate([colours, black], axis=2).round().astype(np.uint8)


def file(kind: str, profile: bytes | None) -> bytes:
    """The photograph as a file of this kind."""
    separated, extra = inks(), {"icc_profile": profile} if profile else {}
    image = Image.fromarray(separated, "CMYK")
    match kind:
        case "TIFF":
            return encoded(image, "TIFF", **extra)
        case "YCCK":
            return ycck(separated, profile)
        case "without Adobe":
            data = encoded(image, "JPEG", quality=95, **extra)
            start = data.index(b"\xff\xee\0\x0eAdobe")
            return data[:start] + data[start + 16 :]
        case _:
            return encoded(image, "JPEG", quality=95, **extra)


def ycck(separated: Pixels, profile: bytes | None) -> bytes:
    """As Photoshop stores it: inverted inks taken for RGB's complements, inverted black, transform 2."""
    colours = Image.fromarray(separated[:, :, :3]).convert("YCbCr")
    stored = np.concatenate([np.asarray(colours), 255 - separated[:, :, 3:]], axis=2)
    # Pillow inverts what it is given.
    image = Image.fromarray(255 - stored.astype(np.uint8), "CMYK")
    data = encoded(image, "JPEG", quality=95, **({"icc_profile": profile} if profile else {}))
    start = data.index(b"\xff\xee\0\x0eAdobe")
    return data[: start + 15] + b"\2" + data[start + 16 :]


def seen(data: bytes, profile: bytes | None) -> Pixels:
    """RGB that libvips makes of a CMYK file, by its profile or by the formula."""
    image = pyvips.Image.new_from_buffer(data, "")
    assert image.interpretation == "cmyk"
    if profile:
        intent = {"intent": "relative", "black_point_compensation": True}
        image = image.icc_transform("srgb", embedded=True, **intent)
        return np.asarray(image.numpy(), np.uint8)
    light = 255 - image.numpy().astype(int)
    return np.asarray((light[:, :, :3] * light[:, :, 3:] + 127) // 255, np.uint8)


@pytest.mark.parametrize("luma", Luma)
@pytest.mark.parametrize("profile", [None, PRESS], ids=["no profile", "profile"])
@pytest.mark.parametrize("kind", KINDS)
def test_greys_of_inks_are_those_of_the_colours_they_print(
    kind: str, profile: bytes | None, luma: Luma
) -> None:
    data = file(kind, profile)
    found = pixels(grey(data, Options(format=Format.PNG, luma=luma))).astype(int)
    colours = seen(data, profile)
    if luma in vips.FORMULAS:
        assert np.abs(found - vips.FORMULAS[luma](colours.astype(np.int64))).max() <= 2
    original = vips.FORMULAS.get(luma, vips.FORMULAS[Luma.BT709])(photo(96, 64).astype(np.int64))
    assert np.corrcoef(found.ravel(), original.ravel())[0, 1] > 0.8  # neither a negative nor garbage


def test_the_three_kinds_of_jpeg_are_one_picture() -> None:
    first, *others = (pixels(grey(file(kind, None), Options(format=Format.PNG))) for kind in KINDS[:3])
    for other in others:
        assert np.abs(first.astype(int) - other).mean() < 2


def test_no_ink_is_white_and_all_ink_black() -> None:
    for level, expected in ((0, 255), (255, 0)):
        image = Image.new("CMYK", (16, 16), (level,) * 4)
        for profile in (None, PRESS):
            data = encoded(image, "TIFF", **({"icc_profile": profile} if profile else {}))
            assert abs(int(pixels(grey(data, Options(format=Format.PNG)))[0, 0]) - expected) <= 2


@pytest.mark.parametrize(
    "profile", [PRESS[:2000], b"\0" * 16 + b"CMYK" + b"\0" * 200, PRESS.replace(b"A2B", b"X2Y")]
)
def test_a_profile_that_leads_nowhere_leaves_the_formula(profile: bytes) -> None:
    damaged, plain = file("JPEG", profile), file("JPEG", None)
    assert grey(damaged, Options()) == grey(plain, Options())


def test_no_profile_of_inks_stays_with_the_greys() -> None:
    assert read_jpeg(grey(file("JPEG", PRESS), Options())).icc is None
