"""The plan of a conversion: whole, or how many stripes, and why."""

from __future__ import annotations

import io
from dataclasses import replace
from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from shared.codecs import headers
from shared.codecs.formats import WRITTEN, Format
from shared.codecs.headers import ImageHeader
from shared.codecs.limits import Limits
from shared.options import MAX_STRIPES, Options
from shared.plan import STRIPE_MIN_PIXELS, Kind, Plan, plan

MEGAPIXEL_ROWS = 1000
"""Rows of a picture 1000 pixels wide that make a megapixel."""


@cache
def encoded(width: int, height: int, kind: str, **extra: int) -> ImageHeader:
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


def of(header: ImageHeader, free_slots: int, stripes: int | None = None) -> Plan:
    return plan(header, Format.PNG, Options(stripes=stripes), free_slots)


@pytest.mark.parametrize("kind", ["PNG", "GIF", "BMP", "TIFF", "WEBP"])
@pytest.mark.parametrize("stripes", [None, 1, 8, 64])
def test_a_serial_format_stays_whole_whatever_is_free_or_asked_for(kind: str, stripes: int | None) -> None:
    assert of(encoded(64, 64, kind), 8, stripes) == Plan(Kind.WHOLE, 1, "serial-format")


@pytest.mark.parametrize("stripes", [None, 8])
def test_a_progressive_jpeg_stays_whole(stripes: int | None) -> None:
    assert of(encoded(64, 64, "JPEG", progressive=1), 8, stripes) == Plan(Kind.WHOLE, 1, "serial-format")


@pytest.mark.parametrize("stripes", [None, 8])
def test_a_jpeg_without_restart_markers_stays_whole_and_the_reason_says_so(stripes: int | None) -> None:
    assert of(encoded(64, 64, "JPEG"), 8, stripes) == Plan(Kind.WHOLE, 1, "no-restart-markers")


@pytest.mark.parametrize("written", [f for f in WRITTEN if f not in {Format.PNG, Format.JPEG}])
def test_a_result_that_cannot_be_joined_is_made_whole(written: Format) -> None:
    header = restarting(1000, 4 * MEGAPIXEL_ROWS)
    assert plan(header, written, Options(stripes=4), 4) == Plan(Kind.WHOLE, 1, "serial-output")


@pytest.mark.parametrize("written", [Format.PNG, Format.JPEG])
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
    pixels=st.integers(1, 200_000_000),
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
    assert 1 <= made.stripes <= min(header.units, MAX_STRIPES, asked or max(free, 1))
    if made.stripes > 1 and asked is None:
        assert made.stripes * STRIPE_MIN_PIXELS <= (header.pixels or 0)


@given(pixels=st.integers(1, 200_000_000), free=st.integers(0, 199))
def test_another_free_slot_never_means_fewer_stripes(pixels: int, free: int) -> None:
    assert of(wide(pixels), free).stripes <= of(wide(pixels), free + 1).stripes
