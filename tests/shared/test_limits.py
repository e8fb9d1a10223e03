"""What a file may claim before memory is spent on it."""

from __future__ import annotations

import dataclasses
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL.PngImagePlugin import PngInfo
from support.images import encoded, image, jpeg, photo, png
from support.tiffs import strips

from shared.codecs import convert
from shared.codecs.formats import WRITTEN, Format
from shared.codecs.limits import Limits, check_writable
from shared.options import Options
from shared.problems import ImageTooLarge
from shared.service.settings import ServiceSettings

SIDES = st.integers(1, 2_000)
LIMITS = st.builds(Limits, st.integers(1, 10**6), st.integers(1, 10**6), st.integers(1, 2_000))


@given(LIMITS, SIDES, SIDES, st.booleans())
def test_an_image_passes_exactly_if_its_sides_and_its_pixels_are_within_the_limits(
    limits: Limits,
    width: int,
    height: int,
    banded: bool,  # noqa: FBT001 - given by Hypothesis
) -> None:
    most = limits.max_pixels if banded else limits.max_pixels_whole
    if max(width, height) <= limits.max_side and width * height <= most:
        limits.check(width, height, banded=banded)
        return
    with pytest.raises(ImageTooLarge) as refused:
        limits.check(width, height, banded=banded)
    told = refused.value.members
    assert int(told["actual"]) > int(told["limit"])


@pytest.mark.parametrize(
    ("size", "banded", "limit", "actual", "setting"),
    [
        ((101, 1), True, 100, 101, "GRISAILLE_MAX_SIDE"),
        ((1, 101), True, 100, 101, "GRISAILLE_MAX_SIDE"),
        ((100, 51), True, 5000, 5100, "GRISAILLE_MAX_PIXELS"),
        ((100, 11), False, 1000, 1100, "GRISAILLE_MAX_PIXELS_WHOLE"),
        ((101, 100), True, 100, 101, "GRISAILLE_MAX_SIDE"),
    ],
)
def test_a_refusal_names_the_first_limit_passed_the_value_and_the_setting_that_moves_it(
    size: tuple[int, int],
    banded: bool,  # noqa: FBT001 - a table's column
    limit: int,
    actual: int,
    setting: str,
) -> None:
    with pytest.raises(ImageTooLarge) as refused:
        Limits(max_pixels=5000, max_pixels_whole=1000, max_side=100).check(*size, banded=banded)
    assert refused.value.members == {"limit": limit, "actual": actual, "setting": setting}


@pytest.mark.parametrize("name", [field.name for field in dataclasses.fields(Limits)])
def test_every_limit_has_a_setting_of_its_name_which_refusals_give(
    monkeypatch: pytest.MonkeyPatch, name: Any
) -> None:
    monkeypatch.setenv(f"GRISAILLE_{name.upper()}", "7")
    limits = ServiceSettings().limits
    assert limits == replace(Limits(), **{name: 7})
    limits.within(name, "so many", 7)
    with pytest.raises(ImageTooLarge) as refused:
        limits.within(name, "so many", 8)
    assert refused.value.members == {"limit": 7, "actual": 8, "setting": f"GRISAILLE_{name.upper()}"}


TEXT = PngInfo()
TEXT.add_text("Comment", "x" * 1000)
THREE_TEXTS = PngInfo()
for name in ("Title", "Author", "Comment"):
    THREE_TEXTS.add_text(name, "x")


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("max_segments", jpeg(photo(16, 16))),
        ("max_scans", jpeg(photo(16, 16), progressive=True)),
        ("max_chunks", png(photo(16, 16))),
        ("max_segments", png(photo(16, 16), pnginfo=THREE_TEXTS)),
        ("max_metadata_bytes", jpeg(photo(16, 16), comment=b"x" * 1000)),
        ("max_metadata_bytes", png(photo(16, 16), pnginfo=TEXT)),
        ("max_metadata_bytes", encoded(image(photo(16, 16)), "WEBP", xmp=b"x" * 1000)),
        ("max_metadata_bytes", encoded(image(photo(16, 16)), "TIFF", tiffinfo={700: b"x" * 1000})),
        ("max_tiff_entries", encoded(image(photo(16, 16)), "TIFF")),
        ("max_tiff_pieces", strips(photo(16, 24), 8)),
    ],
    ids=[
        "segments",
        "scans",
        "chunks",
        "PNG chunks beside it",
        "JPEG text",
        "PNG text",
        "WebP XMP",
        "TIFF XMP",
        "TIFF entries",
        "TIFF strips",
    ],
)
def test_a_file_that_has_more_is_refused_by_that_limit(name: str, data: bytes) -> None:
    assert convert.grey(memoryview(data), Options(), Limits()).size
    with pytest.raises(ImageTooLarge) as refused:
        convert.grey(memoryview(data), Options(), replace(Limits(), **{name: 2}))
    assert refused.value.members["setting"] == f"GRISAILLE_{name.upper()}"


def test_the_defaults_are_the_contract_s() -> None:
    limits = Limits()
    limits.check(250_000, 4400, banded=True)
    limits.check(10_000, 10_000, banded=False)
    with pytest.raises(ImageTooLarge):
        limits.check(250_000, 4401, banded=True)
    with pytest.raises(ImageTooLarge):
        limits.check(10_000, 10_001, banded=False)


@pytest.mark.parametrize(("written", "side"), [(Format.JPEG, 65500), (Format.WEBP, 16383)])
def test_a_side_longer_than_the_result_s_format_has_room_for_is_refused(written: Format, side: int) -> None:
    check_writable(side, 1, written)
    check_writable(1, side, written)
    for size in ((side + 1, 1), (1, side + 1)):
        with pytest.raises(ImageTooLarge, match=written.name) as refused:
            check_writable(*size, written)
        assert refused.value.members == {"limit": side, "actual": side + 1, "setting": "format"}


@pytest.mark.parametrize("written", [f for f in WRITTEN if f not in {Format.JPEG, Format.WEBP}])
def test_formats_with_32_bit_sides_take_any_side_an_image_may_have(written: Format) -> None:
    check_writable(Limits().max_side, Limits().max_side, written)
