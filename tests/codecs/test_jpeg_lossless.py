"""Lossless grey: the coefficients that `jpegtran -grayscale` keeps, in our one layout."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from math import ceil
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, reject
from hypothesis import strategies as st
from PIL import Image
from support.images import LIMITS, encoded, grey, image, jpeg, luma_plane, opened, photo, pixels
from support.jpegs import (
    OPTIMISED,
    WRITERS,
    Maker,
    by_stripes,
    checks,
    coefficients,
    flat,
    header_of,
    jpegtran,
    noise,
)

from shared.codecs import convert
from shared.codecs.formats import Format
from shared.codecs.jpeg import huffman, markers, restarts
from shared.codecs.jpeg.filler import CannotFillError
from shared.options import Luma, Options
from shared.problems import InvalidOption

COUNTS = (1, 2, 3, 8, 32)
AS_IT_IS = Options()
SIZES = [(1, 1), (9, 8), (16, 33), (203, 301)]
RESTARTS = {"one a row": "1", "every 5 MCUs": "5B", "every MCU": "1B", "every 2 rows": "2"}
"""jpegtran's -restart: MCU rows, or with B MCUs."""


def check(data: bytes, counts: tuple[int, ...] = COUNTS) -> None:
    """The law: jpegtran's coefficients, and the same file however often it was cut."""
    whole = grey(data, AS_IT_IS)
    assert coefficients(whole) == coefficients(data, "-grayscale")
    for count in counts:
        assert by_stripes(data, count, Format.JPEG) == whole, count


@pytest.mark.parametrize("writer", [*WRITERS, *OPTIMISED])
def test_a_picture_of_any_encoder_keeps_its_luma_coefficients(writer: str) -> None:
    for (width, height), quality in product(SIZES, (30, 92)):
        data = (WRITERS | OPTIMISED)[writer](photo(width, height), quality)
        fillable = writer in WRITERS or width * height > 10_000
        check(data, COUNTS if fillable else (1,))


@pytest.mark.parametrize("make", [flat, noise, checks])
@pytest.mark.parametrize("sampling", ["4:4:4", "4:2:0"])
def test_extreme_pictures_keep_their_coefficients(make: Maker, sampling: str) -> None:
    check(jpeg(make(150, 170), subsampling=sampling, quality=100))


@pytest.mark.parametrize("restart", RESTARTS)
@pytest.mark.parametrize("writer", [*WRITERS, "optimised 4:2:0"])
def test_restart_markers_anywhere_change_no_coefficient(writer: str, restart: str) -> None:
    marked = jpegtran((WRITERS | OPTIMISED)[writer](photo(203, 301), 85), "-restart", RESTARTS[restart])
    assert header_of(marked).restart_interval
    check(marked)


@given(
    writer=st.sampled_from([*WRITERS, *OPTIMISED]),
    width=st.integers(1, 150),
    height=st.integers(1, 150),
    quality=st.integers(1, 100),
    count=st.integers(1, 20),
)
def test_any_file_keeps_its_coefficients(
    writer: str, width: int, height: int, quality: int, count: int
) -> None:
    try:
        check((WRITERS | OPTIMISED)[writer](photo(width, height), quality), (count,))
    except CannotFillError:
        reject()


@pytest.mark.parametrize("writer", [*WRITERS, *OPTIMISED])
def test_the_pixels_are_the_luma_plane_for_every_decoder(writer: str) -> None:
    import pyvips  # noqa: PLC0415 - an oracle of this test alone
    import simplejpeg  # noqa: PLC0415

    data = (WRITERS | OPTIMISED)[writer](photo(203, 301), 85)
    result, right = grey(data, AS_IT_IS), luma_plane(data)
    assert np.array_equal(pixels(result), right)
    assert np.array_equal(simplejpeg.decode_jpeg(result, "GRAY", strict=True)[:, :, 0], right)
    strictly = pyvips.Image.new_from_buffer(result, "", fail_on="warning").numpy()
    assert np.array_equal(strictly, right)


@pytest.mark.parametrize("writer", ["pillow 4:2:0", "grey that claims 2x2", "optimised 4:4:4"])
def test_the_layout_is_the_one_that_joins(writer: str) -> None:
    data = (WRITERS | OPTIMISED)[writer](photo(203, 301), 85)
    result = grey(data, AS_IT_IS)
    header, source = header_of(result), huffman.tables(header_of(data))
    (luma,) = header.components
    assert (luma.h, luma.v, luma.table) == (1, 1, 0)
    assert header.restart_interval == ceil(203 / 8)
    ecs = restarts.entropy_segment(memoryview(result), header.ecs_start)
    assert ecs.numbers.tolist() == [row % 8 for row in range(ceil(301 / 8) - 1)]
    assert huffman.tables(header)[huffman.DC, 0] == huffman.STANDARD[huffman.DC, 0]
    assert huffman.tables(header)[huffman.AC, 0] == source[huffman.AC, 0]
    assert len(header.payloads(markers.DHT)) == 2
    assert len(header.payloads(markers.DQT)) == 1


def test_quantisation_tables_of_16_bits_and_their_kind_of_frame_are_kept() -> None:
    table = [value * 40 for value in range(1, 65)]
    data = encoded(image(photo(203, 101)), "JPEG", qtables=[table, table])
    assert header_of(data).sof == markers.SOF1
    result = grey(data, AS_IT_IS)
    assert header_of(result).sof == markers.SOF1
    assert opened(result).quantization[0] == opened(data).quantization[0]  # type: ignore[attr-defined]
    check(data)


@pytest.mark.parametrize(("first", "count"), [(0, 8), (8, 40), (16, 1), (48, 53), (96, 5)])
@pytest.mark.parametrize("sampling", ["4:4:4", "4:2:0"])
def test_rows_are_those_that_jpegtran_crops(first: int, count: int, sampling: str) -> None:
    data = jpeg(photo(77, 101), subsampling=sampling)
    kept = grey(data, Options(rows=(first, count)))
    luma = jpegtran(data, "-grayscale", "-copy", "none")
    assert coefficients(kept) == coefficients(luma, "-crop", f"77x{count}+0+{first}")


def notes(data: bytes, options: Options = AS_IT_IS) -> tuple[str, ...]:
    return convert.grey(memoryview(data), options, LIMITS).notes


@pytest.mark.parametrize("writer", [*WRITERS, *OPTIMISED])
def test_what_is_lossless_is_not_noted(writer: str) -> None:
    assert notes((WRITERS | OPTIMISED)[writer](photo(40, 50), 80)) == ()


def arithmetic(data: bytes) -> bytes:
    return jpegtran(data, "-arithmetic")


def rgb(data: bytes) -> bytes:
    return encoded(opened(data), "JPEG", keep_rgb=True)


def progressive(data: bytes) -> bytes:
    return jpegtran(data, "-progressive")


def cmyk(data: bytes) -> bytes:
    return encoded(opened(data).convert("CMYK"), "JPEG")


def test_a_picture_in_several_scans_is_noted(tmp_path: Path) -> None:
    script = tmp_path / "scans"
    script.write_text("0; 1; 2;")
    separate = jpegtran(jpeg(photo(40, 50)), "-scans", str(script))
    assert header_of(separate).scan.payload[0] == 1
    assert notes(separate) == ("requantised",)


@pytest.mark.parametrize("other", [arithmetic, rgb, progressive, cmyk])
def test_what_cannot_be_lossless_is_noted(other: Callable[[bytes], bytes]) -> None:
    assert notes(other(jpeg(photo(40, 50)))) == ("requantised",)


def test_another_luma_is_noted_and_a_quality_asked_for_is_not() -> None:
    data = jpeg(photo(40, 50))
    assert notes(data, Options(luma=Luma.BT601_RGB)) == ("requantised",)
    assert notes(data, Options(quality=75)) == ()


def test_rows_outside_the_picture_are_refused() -> None:
    with pytest.raises(InvalidOption):
        grey(jpeg(photo(64, 64)), Options(rows=(64, 8)))


@pytest.mark.parametrize("size", [(65500, 17), (17, 65500)])
def test_a_picture_as_long_as_libjpeg_allows_keeps_its_coefficients(size: tuple[int, int]) -> None:
    check(encoded(Image.new("RGB", size, (200, 30, 99)), "JPEG"), (1, 2, 32))
