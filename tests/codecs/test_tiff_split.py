"""TIFFs cut without decoding: every stripe is a file for others, and their rows are the picture's."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
import pyvips
from support.images import LIMITS, converted, encoded, grey, image, joined, opened, photo, pixels
from support.tiffs import HEIGHT, WIDTH, by_libvips, cuts_of, files, strips

from shared.codecs import headers
from shared.codecs.formats import Format
from shared.codecs.tiff.split import stripes
from shared.options import Options

AS_PNG = Options(format=Format.PNG)


@pytest.mark.parametrize("name", files())
def test_every_stripe_is_a_file_of_its_own_whose_pixels_are_the_pictures(name: str) -> None:
    data = files()[name]
    whole = converted(data)
    for count in (2, 3, 7):
        cut = list(stripes(memoryview(data), cuts_of(data), count))
        assert [stripe.rows for stripe in cut][:-1] == [s.rows for s in cut[:-1] if s.rows % 8 == 0]
        for stripe in cut:
            file = joined(stripe.pieces)
            assert np.array_equal(converted(file), whole[stripe.first : stripe.first + stripe.rows])
            if "zstd" in name or "lzma" in name:
                continue  # libvips' wheels have neither
            read = pyvips.Image.new_from_buffer(file, "", fail_on="warning").copy_memory()
            assert (read.width, read.height) == (WIDTH, stripe.rows)
        assert sum(stripe.rows for stripe in cut) == HEIGHT


@pytest.mark.parametrize("name", files())
def test_a_tiff_is_what_pillow_makes_of_it(name: str) -> None:
    picture = opened(files()[name])
    if picture.mode == "YCbCr":  # Y, as others computed it, is not the luma of the colours
        picture = picture.convert("RGB")
    wanted = np.asarray(picture.convert("LA" if picture.has_transparency_data else "L"))
    assert np.array_equal(pixels(grey(files()[name], AS_PNG)), wanted)


@pytest.mark.parametrize(
    ("big", "order", "rows", "planes"), list(product([False, True], "<>", [1, 3, 16, 1000], [1, 3]))
)
def test_all_ways_to_write_numbers_and_strips_are_read(
    *, big: bool, order: str, rows: int, planes: int
) -> None:
    picture = photo(WIDTH, HEIGHT)
    data = strips(picture, rows, planes=planes, big=big, order=order)
    assert np.array_equal(pixels(grey(data, AS_PNG)), converted(encoded(image(picture), "PNG")))
    cut = list(stripes(memoryview(data), cuts_of(data), 7))
    assert len(cut) == 7
    assert all(stripe.rows % 8 == 0 for stripe in cut[:-1])


def test_a_compressed_strip_is_not_cut() -> None:
    data = encoded(image(photo(WIDTH, HEIGHT)), "TIFF", compression="tiff_lzw")
    assert cuts_of(data).units == 1
    assert len(list(stripes(memoryview(data), cuts_of(data), 7))) == 1


def test_the_first_of_several_pictures_is_taken() -> None:
    data = by_libvips(photo(640, 480), pyramid=True, tile=True, tile_width=64, tile_height=64)
    header = headers.read(memoryview(data), LIMITS)
    assert (header.width, header.height, header.notes) == (640, 480, ("first-frame",))
    assert headers.read(memoryview(strips(photo(8, 8), 8)), LIMITS).notes == ()
