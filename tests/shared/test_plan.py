"""The plan of a conversion: whole, or how many stripes, and why."""

from __future__ import annotations

import io
from dataclasses import replace
from functools import cache
from math import ceil

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from shared.codecs import headers
from shared.codecs.formats import WRITTEN, Format
from shared.codecs.headers import ImageHeader
from shared.codecs.jpeg.split import Cuts
from shared.codecs.limits import Limits
from shared.options import MAX_STRIPES, Options
from shared.plan import (
    DECODE_NS_PER_BYTE,
    LOSSLESS_NS_PER_BYTE,
    NS_PER_PIXEL,
    SCAN_NS_PER_BYTE,
    STRIPE_MAX_PIXELS,
    STRIPE_MIN_PIXELS,
    Kind,
    Plan,
    plan,
)

MEGAPIXEL_ROWS = 1000
"""Rows of a picture 1000 pixels wide that make a megapixel."""


@cache
def encoded(width: int, height: int, kind: str, **extra: object) -> ImageHeader:
    """The header of a real file that Pillow wrote."""
    file = io.BytesIO()
    Image.new("RGB", (width, height), (90, 120, 30)).save(file, kind, **extra)
    return headers.read(memoryview(file.getvalue()), Limits())


def restarting(width: int, height: int) -> ImageHeader:
    """A JPEG with a restart marker after every MCU row of 16 pixel rows."""
    return encoded(width, height, "JPEG", restart_marker_rows=1)


def wide(pixels: int) -> ImageHeader:
    """A splittable header of 100 units that claims about so many pixels."""
    return replace(restarting(16, 1600), width=max(pixels // 1600, 1))


def unmarked(pixels: int, bits_per_pixel: float = 2.0) -> ImageHeader:
    """A header without restart markers of 100 units, with about so many pixels and bits for each."""
    header = encoded(16, 1600, "JPEG")
    assert isinstance(header.cuts, Cuts)
    width = max(pixels // 1600, 1)
    ecs = header.cuts.ecs
    size = int(width * 1600 * bits_per_pixel / 8) + 1
    jpeg = replace(header.cuts.jpeg, width=width)
    cuts = replace(header.cuts, jpeg=jpeg, ecs=replace(ecs, end=ecs.start + size))
    return replace(header, width=width, cuts=cuts)


def of(header: ImageHeader, free_slots: int, stripes: int | None = None) -> Plan:
    return plan(header, Format.PNG, Options(format=Format.PNG, stripes=stripes), free_slots)


def lossless(header: ImageHeader, free_slots: int, stripes: int | None = None) -> Plan:
    """The plan of a JPEG that stays one with its coefficients."""
    return plan(header, Format.JPEG, Options(format=Format.JPEG, stripes=stripes), free_slots)


@pytest.mark.parametrize("kind", ["PNG", "GIF", "BMP", "WEBP"])
@pytest.mark.parametrize("stripes", [None, 1, 8, 64])
def test_a_serial_format_stays_whole_whatever_is_free_or_asked_for(kind: str, stripes: int | None) -> None:
    assert of(encoded(64, 64, kind), 8, stripes) == Plan(Kind.WHOLE, 1, "serial-format")


@pytest.mark.parametrize("stripes", [None, 8])
def test_a_progressive_jpeg_stays_whole(stripes: int | None) -> None:
    assert of(encoded(64, 64, "JPEG", progressive=1), 8, stripes) == Plan(Kind.WHOLE, 1, "serial-format")


@pytest.mark.parametrize("compression", ["raw", "tiff_lzw"])
def test_a_tiff_is_cut_between_its_strips_and_anywhere_where_rows_are_not_compressed(
    compression: str,
) -> None:
    header = encoded(1000, 4 * MEGAPIXEL_ROWS, "TIFF", compression=compression)
    assert of(header, 4) == Plan(Kind.STRIPES, 4, "free-slots")


def test_a_tiff_of_one_compressed_strip_stays_whole() -> None:
    assert of(encoded(64, 64, "TIFF", compression="tiff_lzw"), 8, 8) == Plan(Kind.WHOLE, 1, "one-unit")


def test_a_result_that_cannot_be_joined_is_made_whole() -> None:
    header = restarting(1000, 4 * MEGAPIXEL_ROWS)
    made = plan(header, Format.WEBP, Options(stripes=4), 4)
    assert made == Plan(Kind.WHOLE, 1, "serial-output")


@pytest.mark.parametrize("written", [Format.PNG, Format.JPEG, Format.TIFF])
def test_a_splittable_image_becomes_one_stripe_for_every_free_slot(written: Format) -> None:
    header = restarting(1000, 4 * MEGAPIXEL_ROWS)
    for free in (2, 3, 4):
        assert plan(header, written, Options(), free) == Plan(Kind.STRIPES, free, "free-slots")


@pytest.mark.parametrize(("free", "reason"), [(0, "busy"), (1, "one-slot")])
def test_an_image_stays_whole_without_two_free_slots(free: int, reason: str) -> None:
    assert of(restarting(1000, 4 * MEGAPIXEL_ROWS), free) == Plan(Kind.WHOLE, 1, reason)


@pytest.mark.parametrize(
    ("rows", "stripes"),
    [(500, 1), (1999, 1), (2000, 2), (2999, 2), (3000, 3), (4000, 4)],
)
def test_no_stripe_is_under_a_megapixel_unless_asked(rows: int, stripes: int) -> None:
    made = of(restarting(1000, rows), free_slots=8)
    assert (made.stripes, made.reason) == (stripes, "small")


@pytest.mark.parametrize("free", [0, 1, 3, 100])
def test_the_stripes_asked_for_take_the_place_of_free_slots_and_the_megapixel(free: int) -> None:
    assert of(restarting(64, 320), free, stripes=7) == Plan(Kind.STRIPES, 7, "asked")


def test_one_stripe_asked_for_is_one_whole_image() -> None:
    assert of(restarting(1000, 4 * MEGAPIXEL_ROWS), 8, stripes=1) == Plan(Kind.WHOLE, 1, "asked")


@pytest.mark.parametrize(("height", "units"), [(16, 1), (17, 2), (32, 2), (160, 10), (161, 11)])
def test_an_image_has_at_most_as_many_stripes_as_it_can_be_cut_into(height: int, units: int) -> None:
    assert of(restarting(64, height), 8, stripes=MAX_STRIPES).stripes == units


def test_free_slots_do_not_make_more_stripes_than_an_image_can_be_cut_into() -> None:
    flat = replace(restarting(64, 48), width=1_000_000)
    assert of(flat, free_slots=8) == Plan(Kind.STRIPES, 3, "free-slots")


def test_there_are_never_more_than_64_stripes_however_many_slots_are_free() -> None:
    assert of(wide(500_000_000), free_slots=200).stripes == MAX_STRIPES == 64


@given(
    pixels=st.integers(1, 1_100_000_000),
    free=st.integers(0, 200),
    asked=st.none() | st.integers(1, MAX_STRIPES),
    written=st.sampled_from(WRITTEN),
)
def test_every_plan_keeps_all_bounds_at_once(
    pixels: int, free: int, asked: int | None, written: Format
) -> None:
    header = wide(pixels)
    made = plan(header, written, Options(stripes=asked), free)
    assert made.kind is (Kind.STRIPES if made.stripes > 1 else Kind.WHOLE)
    assert 1 <= made.stripes <= min(header.units, MAX_STRIPES, asked or MAX_STRIPES)
    if made.kind is Kind.STRIPES and asked is None:
        one = (header.pixels or 0) / made.stripes
        assert one >= STRIPE_MIN_PIXELS
        assert one <= STRIPE_MAX_PIXELS or made.stripes == min(header.units, MAX_STRIPES)
        assert made.stripes <= free or (header.pixels or 0) > STRIPE_MAX_PIXELS * free


@pytest.mark.parametrize(("free", "stripes"), [(0, 31), (1, 31), (2, 32), (5, 35), (8, 32), (40, 40)])
def test_a_gigapixel_has_the_same_number_of_small_stripes_for_each_slot(free: int, stripes: int) -> None:
    made = of(wide(32_000 * 32_000), free)
    assert (made.kind, made.stripes) == (Kind.STRIPES, stripes)


def test_a_gigapixel_without_markers_is_not_scanned_for_a_single_slot() -> None:
    assert of(unmarked(32_000 * 32_000), 1) == Plan(Kind.WHOLE, 1, "one-slot")


@given(pixels=st.integers(1, STRIPE_MAX_PIXELS), free=st.integers(0, 199))
def test_another_free_slot_never_means_fewer_stripes(pixels: int, free: int) -> None:
    assert of(wide(pixels), free).stripes <= of(wide(pixels), free + 1).stripes


PHOTOGRAPHS = [unmarked(pixels, bits) for pixels in (50_000_000, 67_000_000) for bits in (1.0, 2.2, 6.0)]


@pytest.mark.parametrize("header", PHOTOGRAPHS)
def test_without_restart_markers_two_workers_make_a_png_by_stripes(header: ImageHeader) -> None:
    assert of(header, 2) == Plan(Kind.STRIPES, 2, "free-slots")


@pytest.mark.parametrize("header", PHOTOGRAPHS)
def test_without_restart_markers_keeping_coefficients_is_not_worth_a_scan_for_two(
    header: ImageHeader,
) -> None:
    assert lossless(header, 2) == Plan(Kind.WHOLE, 1, "scan-costs-more")


@pytest.mark.parametrize("header", PHOTOGRAPHS)
def test_with_many_workers_a_scan_is_worth_its_time(header: ImageHeader) -> None:
    many = min(16, (header.pixels or 0) // STRIPE_MIN_PIXELS)
    assert lossless(header, many) == Plan(Kind.STRIPES, many, "free-slots")


@pytest.mark.parametrize("header", PHOTOGRAPHS)
def test_a_quality_of_its_own_is_worth_a_scan_for_two(header: ImageHeader) -> None:
    asked = Options(format=Format.JPEG, quality=80)
    assert plan(header, Format.JPEG, asked, 2) == Plan(Kind.STRIPES, 2, "free-slots")


@pytest.mark.parametrize("pixels", [2_000_000, 3_000_000])
def test_a_scan_is_worth_it_for_two_only_from_some_megapixels_on(pixels: int) -> None:
    assert of(unmarked(pixels), 2) == Plan(Kind.WHOLE, 1, "scan-costs-more")
    assert of(unmarked(10 * pixels), 2) == Plan(Kind.STRIPES, 2, "free-slots")


def test_at_restart_markers_keeping_coefficients_is_shared_by_two() -> None:
    header = restarting(1000, 4 * MEGAPIXEL_ROWS)
    assert lossless(header, 2) == Plan(Kind.STRIPES, 2, "free-slots")


@pytest.mark.parametrize("stripes", [2, 3, 64])
def test_stripes_that_are_asked_for_are_not_weighed_against_the_scan(stripes: int) -> None:
    for make in (of, lossless):
        assert make(unmarked(4_000_000), 2, stripes) == Plan(Kind.STRIPES, stripes, "asked")


def test_without_restart_markers_a_picture_has_as_many_stripes_as_rows_of_mcus() -> None:
    assert of(encoded(64, 161, "JPEG"), 8, stripes=MAX_STRIPES) == Plan(Kind.STRIPES, 11, "asked")
    assert of(encoded(64, 16, "JPEG"), 8, stripes=MAX_STRIPES) == Plan(Kind.WHOLE, 1, "one-unit")


@pytest.mark.parametrize(
    ("free", "pixels", "reason"),
    [(0, 8_000_000, "busy"), (1, 8_000_000, "one-slot"), (8, 1_900_000, "small")],
)
def test_without_restart_markers_too_an_image_may_stay_whole_for_other_reasons(
    free: int, pixels: int, reason: str
) -> None:
    assert of(unmarked(pixels), free) == Plan(Kind.WHOLE, 1, reason)


def model_time(header: ImageHeader, made: Plan, slots: int, *, keeps: bool) -> float:
    """What a plan takes by the figures it is made from: stripes side by side behind the scan."""
    assert isinstance(header.cuts, Cuts)
    size, pixels = header.cuts.ecs.end - header.cuts.ecs.start, header.pixels or 0
    work = LOSSLESS_NS_PER_BYTE * size if keeps else DECODE_NS_PER_BYTE * size + NS_PER_PIXEL * pixels
    scan = SCAN_NS_PER_BYTE * size if made.kind is Kind.STRIPES and header.cuts.needs_scan else 0.0
    return scan + work / made.stripes * ceil(made.stripes / max(slots, 1))


@given(
    pixels=st.integers(1, 200_000_000),
    bits=st.floats(0.01, 24),
    free=st.integers(0, 100),
    marked=st.booleans(),
    keeps=st.booleans(),
)
def test_another_free_slot_never_means_a_slower_plan(
    pixels: int, bits: float, free: int, *, marked: bool, keeps: bool
) -> None:
    header = wide(pixels) if marked else unmarked(pixels, bits)
    make = lossless if keeps else of
    fewer, more = make(header, free), make(header, free + 1)
    whole = model_time(header, Plan(Kind.WHOLE, 1, "whole"), 1, keeps=keeps)
    with_more = model_time(header, more, free + 1, keeps=keeps)
    assert with_more <= min(whole, model_time(header, fewer, free, keeps=keeps)) * (1 + 1e-9)


@pytest.mark.parametrize("free", [2, 8])
def test_while_a_scan_is_under_way_another_file_without_markers_goes_whole(free: int) -> None:
    header, sliced = unmarked(33_000_000), wide(33_000_000)
    assert plan(header, Format.PNG, Options(), free, scanning=True) == Plan(Kind.WHOLE, 1, "scan-busy")
    assert plan(sliced, Format.PNG, Options(), free, scanning=True).kind is Kind.STRIPES
    assert plan(header, Format.PNG, Options(stripes=3), free, scanning=True) == Plan(Kind.STRIPES, 3, "asked")
