"""JPEGs without restart markers, cut by a scan: each stripe a strict JPEG alone, together the picture."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given, reject
from hypothesis import strategies as st
from support import vips
from support.images import joined, jpeg, luma_plane, opened, photo
from support.jpegs import (
    OPTIMISED,
    WRITERS,
    by_stripes,
    checks,
    cuts_of,
    flat,
    header_of,
    noise,
    strict,
    stripes_of,
)

from shared.codecs.formats import Format
from shared.codecs.jpeg import split
from shared.codecs.jpeg.filler import CannotFillError
from shared.codecs.stripes import Stripe
from shared.options import Luma
from shared.problems import MalformedImage

COUNTS = (2, 3, 8, 32)
SIZES = [(1, 1), (1, 17), (9, 8), (16, 33), (35, 64), (100, 101), (161, 259)]
"""Most of them no multiples of any MCU."""
LARGE_ENOUGH = 100 * 100
"""Pixels from which optimised tables had all codes that a filler needs, in all files seen."""
CONTENTS = {"photo": photo, "flat": flat, "noise": noise, "checks": checks}


def whole_rgb(data: bytes) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    return np.asarray(opened(data).convert("RGB"))


def check_stripes(data: bytes, count: int) -> None:
    """The law: every stripe decodes alone without a warning, all together to the Y plane and to RGB."""
    stripes = stripes_of(data, count)
    assert len(stripes) == min(count, cuts_of(data).units)
    rows = [strict(stripe, "GRAY")[:, :, 0] for stripe in stripes]
    assert np.array_equal(np.concatenate(rows), luma_plane(data))
    haloed = stripes_of(data, count, halo=split.needs_halo(header_of(data)))
    assert np.array_equal(np.concatenate([strict(s, "RGB") for s in haloed]), whole_rgb(data))


@pytest.mark.parametrize(("width", "height"), SIZES)
@pytest.mark.parametrize("writer", WRITERS)
def test_files_with_the_standard_tables_are_cut_exactly(writer: str, width: int, height: int) -> None:
    for (content, make), quality, count in product(CONTENTS.items(), (10, 92), COUNTS):
        if content == "photo" or quality == 92:
            check_stripes(WRITERS[writer](make(width, height), quality), count)


@pytest.mark.parametrize("writer", OPTIMISED)
def test_files_with_tables_of_their_own_are_cut_exactly_or_not_at_all(writer: str) -> None:
    refused = []
    for (width, height), quality, count in product(SIZES, (20, 90), COUNTS):
        try:
            check_stripes(OPTIMISED[writer](photo(width, height), quality), count)
        except CannotFillError:
            refused.append(width * height)
    assert all(pixels < LARGE_ENOUGH for pixels in refused), refused
    assert len(refused) < len(SIZES) * 2 * len(COUNTS) / 2


@st.composite
def unmarked_jpegs(draw: st.DrawFn) -> bytes:
    writer = draw(st.sampled_from([*WRITERS, *OPTIMISED]))
    make = draw(st.sampled_from(list(CONTENTS.values())))
    # Of larger noise Pillow's buffer for optimised files is too small.
    pixels = make(draw(st.integers(1, 140)), draw(st.integers(1, 140)))
    return (WRITERS | OPTIMISED)[writer](pixels, draw(st.integers(1, 95)))


@given(unmarked_jpegs(), st.integers(1, 40))
def test_any_file_of_any_encoder_is_cut_exactly(data: bytes, count: int) -> None:
    try:
        check_stripes(data, count)
    except CannotFillError:
        reject()


@pytest.mark.parametrize("luma", Luma)
@pytest.mark.parametrize("writer", [*WRITERS, *OPTIMISED])
def test_what_workers_make_of_the_stripes_joins_to_the_grey_picture(writer: str, luma: Luma) -> None:
    data = (WRITERS | OPTIMISED)[writer](photo(203, 301), 85)
    right = vips.right(data, luma)
    for count in COUNTS:
        result = vips.decoded(by_stripes(data, count, Format.PNG, luma))
        assert vips.differ(result, right) <= (luma is Luma.LINEAR)


@pytest.mark.parametrize("sampling", ["4:4:4", "4:2:0"])
def test_without_restart_markers_a_stripe_starts_with_one_row_to_drop(sampling: str) -> None:
    data = jpeg(photo(64, 160), subsampling=sampling)
    first, *others = stripes_of(data, 3)
    assert first.crop is None
    assert {stripe.above for stripe in others} == {cuts_of(data).unit_rows}
    assert all(stripe.height == stripe.above + stripe.rows for stripe in others)
    assert all(b"\xff\xdd" not in joined(stripe.pieces) for stripe in (first, *others))


def test_the_filler_costs_a_few_bits_a_block() -> None:
    data = jpeg(photo(1600, 1712), subsampling="4:2:0", quality=90)
    sizes = sum(stripe.size for stripe in stripes_of(data, 8))
    blocks = 100 * 6
    assert sizes - len(data) <= 8 * (len(data[: header_of(data).ecs_start]) + blocks)


def test_stripes_come_before_the_scan_has_seen_the_damage_behind_them() -> None:
    sound = jpeg(photo(320, 480), subsampling="4:2:0")
    start = header_of(sound).ecs_start
    cut = sound[: start + (len(sound) - start) * 9 // 10].rstrip(b"\xff")
    data = cut + b"\xff\xd9"
    found: list[Stripe] = []
    with pytest.raises(MalformedImage) as caught:
        found.extend(split.stripes(memoryview(data), cuts_of(data), 10, halo=False))
    assert 7 <= len(found) < 10
    rows = np.concatenate([strict(stripe, "GRAY")[:, :, 0] for stripe in found])
    assert np.array_equal(rows, luma_plane(sound)[: len(rows)])
    assert caught.value.members["offset"] == len(cut)
