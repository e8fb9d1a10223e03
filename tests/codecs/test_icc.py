"""A grey picture's profile shows its greys as the colour profile did; LittleCMS is the judge."""

from __future__ import annotations

import io
import struct
import tracemalloc
import zlib
from datetime import datetime
from itertools import count

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import ImageCms
from support import profiles
from support.images import grey, opened
from support.metadata import (
    Write,
    by_pillow,
    jpeg_with,
    png_with,
    read_jpeg,
    read_png,
    with_chunks,
    with_segments,
)
from support.profiles import SRGB, gamma, parametric, rgb, samples

from shared.codecs import convert
from shared.codecs.icc import grey_profile
from shared.codecs.jpeg import markers
from shared.codecs.limits import Limits
from shared.codecs.metadata import Metadata
from shared.codecs.png import chunks
from shared.options import Options
from shared.problems import ImageTooLarge

MOST = Limits().max_profile_bytes
LEVELS = np.arange(256, dtype=np.uint8)
STEPS = np.linspace(0, 1, 1024)
SRGB_CURVE = np.where(STEPS <= 0.04045, STEPS / 12.92, ((STEPS + 0.055) / 1.055) ** 2.4)
CURVES = {
    "Adobe RGB": gamma(563 / 256),
    "ColorMatch": gamma(1.8),
    "linear": samples([]),
    "a table of two": samples([0, 65535]),
    "a table": samples([round(65535 * x**2) for x in STEPS]),
    "an odd table": samples([0, 20000, 65535]),
    "kind 0": parametric(0, 2.4),
    "kind 1": parametric(1, 2.2, 1.1, -0.1),
    "kind 2": parametric(2, 2.2, 0.9, 0.05, 0.02),
    "BT.709": parametric(3, 1 / 0.45, 1 / 1.099, 0.099 / 1.099, 1 / 4.5, 0.081),
    "kind 4": parametric(4, 2.4, 0.95, 0.05, 0.15, 0.02, 0.001, 0.0),
}
SRGB_CURVES = {
    "parametric": parametric(3, 2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045),
    "a table": samples([round(65535 * y) for y in SRGB_CURVE]),
    "a short table": samples([round(65535 * y) for y in SRGB_CURVE[::11]]),
}
GREY = profiles.grey(gamma(2.2))
DOT_GAIN = profiles.profile(b"GRAY", {b"kTRC": samples([0, 9000, 65535])}, kind=b"prtr")


@pytest.mark.parametrize("name", CURVES)
def test_greys_look_as_they_did(name: str) -> None:
    colour = rgb(CURVES[name])
    grey = grey_profile(colour)
    assert grey is not None
    assert np.abs(profiles.shown(grey, LEVELS).astype(int) - profiles.shown(colour, LEVELS)).max() <= 1


@pytest.mark.parametrize("name", CURVES)
def test_the_profile_is_a_small_one_for_grey_that_littlecms_reads(name: str) -> None:
    grey = grey_profile(rgb(CURVES[name]))
    assert grey is not None
    read = ImageCms.ImageCmsProfile(io.BytesIO(grey)).profile
    assert (read.xcolor_space, read.connection_space, read.device_class) == ("GRAY", "XYZ ", "mntr")
    assert read.version == pytest.approx(4.2)
    assert read.profile_description == "Grey"
    assert read.creation_date == datetime(2024, 5, 6, 7, 8, 9)  # noqa: DTZ001 - profiles name no zone
    assert len(grey) < 400 + len(CURVES[name])


@pytest.mark.parametrize("name", SRGB_CURVES)
def test_the_curve_of_srgb_needs_no_profile_whatever_the_primaries(name: str) -> None:
    assert grey_profile(rgb(SRGB_CURVES[name])) is None
    assert grey_profile(SRGB) is None


def test_where_curves_differ_green_stands_for_all() -> None:
    red, green, blue = gamma(1.8), gamma(2.4), gamma(2.2)
    assert grey_profile(rgb(red, green, blue)) == grey_profile(rgb(green))


@pytest.mark.parametrize("icc", [GREY, DOT_GAIN])
def test_a_profile_for_grey_stays_as_it_is(icc: bytes) -> None:
    assert grey_profile(icc) == icc


@pytest.mark.parametrize(
    "icc",
    [
        b"",
        b"GRAY",
        GREY[:-1],
        GREY + b"\0",
        GREY.replace(b"acsp", b"acsP"),
        GREY.replace(b"GRAY", b"CMYK"),
        GREY.replace(b"kTRC", b"KTRC"),
        profiles.profile(b"RGB ", {b"A2B0": bytes(100)}),
        rgb(gamma(0)),
        rgb(parametric(0, -2.2)),
        rgb(parametric(1, 2.2, 0, 0)),
        rgb(parametric(3, 2.2)),
        rgb(parametric(5, 2.2)),
        rgb(b"curv" + bytes(4) + b"\xff\xff\xff\xff"),
        rgb(samples([0] * 0x8000)),
    ],
)
def test_what_is_damaged_or_of_other_colours_goes(icc: bytes) -> None:
    assert grey_profile(icc) is None


@given(st.integers(0, 2**16), st.binary(min_size=1, max_size=40), st.sampled_from(sorted(CURVES)))
def test_no_bytes_make_a_profile_that_littlecms_cannot_read(place: int, junk: bytes, name: str) -> None:
    whole = rgb(CURVES[name])
    place = 132 + place % (len(whole) - 132)
    grey = grey_profile((whole[:place] + junk + whole[place + len(junk) :])[: len(whole)])
    if grey is not None:
        assert ImageCms.ImageCmsProfile(io.BytesIO(grey)).profile.xcolor_space == "GRAY"


def test_tags_that_lie_over_each_other_take_no_memory_of_their_own() -> None:
    size = 1 << 22
    table = b"".join(struct.pack(">4sII", b"%04d" % i, i + 1, size - 256) for i in range(256))
    head = struct.pack(">I12x4s16x4s88xI", size, b"RGB ", b"acsp", 256)
    hostile = (head + table).ljust(size, b"\0")
    tracemalloc.start()
    assert grey_profile(hostile) is None
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < size


def test_a_profile_with_srgb_s_curve_leaves_nothing_in_either_format() -> None:
    assert opened(by_pillow("JPEG", icc_profile=SRGB)).info["icc_profile"] == SRGB
    assert read_jpeg(by_pillow("JPEG", icc_profile=SRGB)).icc is None
    assert read_png(by_pillow("PNG", icc_profile=SRGB)).icc is None


@pytest.mark.parametrize("entries", [4, 32_700, 0x7FFF])
@pytest.mark.parametrize("written", [jpeg_with, png_with])
def test_a_grey_profile_of_any_usual_size_moves_between_formats(written: Write, entries: int) -> None:
    grey = profiles.grey(samples(range(entries)))
    for found in (
        read_jpeg(by_pillow("JPEG", icc_profile=grey)),
        read_png(by_pillow("PNG", icc_profile=grey)),
    ):
        assert found.icc == grey
        assert opened(written(found)).info["icc_profile"] == grey


def test_a_profile_of_more_pieces_than_a_jpeg_can_count_is_left_out() -> None:
    image = opened(jpeg_with(Metadata(icc=bytes(255 * 65_519 + 1))))
    assert "icc_profile" not in image.info


def numbered(pieces: list[bytes], total: int) -> list[tuple[int, bytes]]:
    return [
        (markers.APP2, b"ICC_PROFILE\0" + bytes((number, total)) + piece)
        for number, piece in zip(count(1), pieces, strict=False)
    ]


def test_the_pieces_of_a_profile_are_joined_by_their_numbers_not_by_their_place() -> None:
    first, second = numbered([GREY[:200], GREY[200:]], 2)
    plain = by_pillow("JPEG")
    assert read_jpeg(with_segments(plain, second, first)).icc == GREY
    assert read_jpeg(with_segments(plain, first)).icc is None
    assert read_jpeg(with_segments(plain, first, first, second)).icc is None


@pytest.mark.parametrize("size", [MOST + 1, 1 << 26])
def test_a_profile_that_inflates_without_end_is_refused_by_name(size: int) -> None:
    bomb = chunks.chunk(b"iCCP", b"bomb\0\0" + zlib.compress(GREY + bytes(size - len(GREY))))
    with pytest.raises(ImageTooLarge) as refused:
        grey(with_chunks(by_pillow("PNG"), bomb), Options())
    setting = "GRISAILLE_MAX_PROFILE_BYTES"
    assert refused.value.members == {"limit": MOST, "actual": MOST + 1, "setting": setting}


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF", "WEBP", "AVIF"])
def test_a_profile_may_be_as_large_as_the_setting_says(kind: str) -> None:
    profile = profiles.grey(samples(range(3000)))
    data = memoryview(by_pillow(kind, icc_profile=profile))
    with pytest.raises(ImageTooLarge, match="GRISAILLE_MAX_PROFILE_BYTES"):
        convert.grey(data, Options(), Limits(max_profile_bytes=len(profile) - 1))
    made = convert.grey(data, Options(), Limits(max_profile_bytes=len(profile)))
    assert opened(b"".join(made.pieces)).info["icc_profile"] == profile
