"""Splitting at restart markers: each stripe a strict JPEG alone, together the same picture."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, reject
from hypothesis import strategies as st
from support.images import joined, jpeg, luma_plane, opened, photo, pixels
from support.jpegs import cuts_of, strict, stripes_of

from shared.codecs.jpeg import markers, split
from shared.codecs.jpeg.filler import CannotFillError
from shared.codecs.stripes import Stripe
from shared.problems import MalformedImage

SUBSAMPLINGS = ["4:4:4", "4:2:2", "4:2:0"]


def fillable(data: bytes, count: int, *, halo: bool = False) -> list[Stripe]:
    """As `stripes_of`; a file whose optimised tables lack codes for a filler is no example."""
    try:
        return stripes_of(data, count, halo=halo)
    except CannotFillError:
        reject()


@st.composite
def restart_jpegs(draw: st.DrawFn) -> bytes:
    """A JPEG with restart markers anywhere, row-aligned or not, colour or grey."""
    width, height = draw(st.integers(1, 150)), draw(st.integers(1, 200))
    save: dict[str, object] = {"quality": draw(st.sampled_from([10, 75, 95]))}
    save["optimize"] = draw(st.booleans())
    key = draw(st.sampled_from(["restart_marker_rows", "restart_marker_blocks"]))
    save[key] = draw(st.integers(1, 12))
    if draw(st.booleans()):
        return jpeg(photo(width, height, 1), **save)
    return jpeg(photo(width, height), subsampling=draw(st.sampled_from(SUBSAMPLINGS)), **save)


@given(restart_jpegs(), st.integers(1, 20))
def test_luma_of_all_stripes_is_the_luma_of_the_whole(data: bytes, count: int) -> None:
    stripes = fillable(data, count)
    assert len(stripes) == min(count, cuts_of(data).units)
    whole = luma_plane(data)
    assert np.array_equal(np.concatenate([strict(s, "GRAY")[:, :, 0] for s in stripes]), whole)
    assert [s.first for s in stripes] == list(np.cumsum([0] + [s.rows for s in stripes[:-1]]))


@given(restart_jpegs(), st.integers(1, 20))
def test_with_a_halo_colour_is_exact_too(data: bytes, count: int) -> None:
    header = markers.parse(memoryview(data))
    stripes = fillable(data, count, halo=split.needs_halo(header))
    whole = np.asarray(opened(data).convert("RGB"))
    assert np.array_equal(np.concatenate([strict(s, "RGB") for s in stripes]), whole)


def test_without_a_halo_subsampled_colour_is_not_exact() -> None:
    data = jpeg(photo(320, 320), subsampling="4:2:0", restart_marker_rows=1)
    rows = np.concatenate([strict(s, "RGB") for s in stripes_of(data, 4)])
    differs = np.flatnonzero((rows != pixels(data)).any(axis=(1, 2)))
    assert set(differs) <= {79, 80, 159, 160, 239, 240}
    assert differs.size


@pytest.mark.parametrize("count", [1, 2, 3, 7, 16])
def test_stripes_have_about_the_same_height(count: int) -> None:
    data = jpeg(photo(64, 16 * 50), subsampling="4:2:0", restart_marker_rows=1)
    rows = [stripe.rows for stripe in stripes_of(data, count)]
    assert len(rows) == count
    assert max(rows) - min(rows) <= 16


def test_a_stripe_of_one_interval_has_no_dri() -> None:
    data = jpeg(photo(64, 64), restart_marker_rows=1)
    assert all(b"\xff\xdd" not in joined(s.pieces) for s in stripes_of(data, 4))


def test_a_stripe_carries_no_metadata() -> None:
    data = jpeg(photo(64, 64), restart_marker_rows=1, comment=b"private", exif=b"Exif\0\0" + bytes(99))
    assert all(b"private" not in joined(s.pieces) for s in stripes_of(data, 4))
    assert all(b"Exif" not in joined(s.pieces) for s in stripes_of(data, 4))


def test_without_restart_markers_every_mcu_row_is_a_unit() -> None:
    data = jpeg(photo(64, 64), subsampling="4:2:0")
    assert (cuts_of(data).units, cuts_of(data).needs_scan) == (4, True)
    assert len(stripes_of(data, 8)) == 4


@pytest.mark.parametrize(
    "save",
    [
        {"progressive": True},
        {"keep_rgb": True},
    ],
)
def test_files_that_are_not_plain_are_left_alone(save: dict[str, object]) -> None:
    data = jpeg(photo(64, 64), restart_marker_rows=1, **save)
    assert split.find_cuts(memoryview(data), markers.parse(memoryview(data))) is None


def test_missing_extra_and_misnumbered_restart_markers_are_refused() -> None:
    data = jpeg(photo(64, 160), restart_marker_rows=1)
    ecs = cuts_of(data).ecs
    second, third = (int(at) for at in ecs.markers[1:3])
    missing = data[:second] + data[second + 2 :]
    extra = data[:second] + data[second : second + 2] + data[second:]
    swapped = bytearray(data)
    swapped[second + 1], swapped[third + 1] = data[third + 1], data[second + 1]
    without_dri = data.replace(b"\xff\xdd\x00\x04", b"\xff\xe9\x00\x04")
    for broken in (missing, extra, bytes(swapped), without_dri):
        with pytest.raises(MalformedImage, match="restart marker"):
            cuts_of(broken)
