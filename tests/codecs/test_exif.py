"""EXIF loses the pictures in it and nothing else: not a byte moves."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.images import jpeg, photo
from support.metadata import LONG, ORDERS, ORIENTATION, SHORT, THUMBNAIL, entry, exif, ifd

from shared.codecs.exif import MAX_EXIF_BYTES, without_pictures


@pytest.mark.parametrize("order", ORDERS, ids=["little-endian", "big-endian"])
def test_a_thumbnail_is_zeroed_and_unlinked_and_nothing_else_changes(order: str) -> None:
    blank = exif(order, bytes(len(THUMBNAIL)), linked=False)
    assert without_pictures(exif(order)) == blank


@pytest.mark.parametrize("order", ORDERS, ids=["little-endian", "big-endian"])
def test_an_uncompressed_thumbnail_leaves_no_colour_behind_either(order: str) -> None:
    blank = exif(order, bytes(len(THUMBNAIL)), linked=False, strips=True)
    assert without_pictures(exif(order, strips=True)) == blank


@pytest.mark.parametrize("order", ORDERS, ids=["little-endian", "big-endian"])
def test_exif_without_a_thumbnail_stays_byte_for_byte(order: str) -> None:
    plain = exif(order, linked=False)
    assert without_pictures(plain) == plain


@pytest.mark.parametrize("order", ORDERS, ids=["little-endian", "big-endian"])
@given(cut=st.integers(0, 400))
def test_exif_cut_short_anywhere_keeps_its_length_and_loses_what_is_left_of_the_thumbnail(
    order: str, cut: int
) -> None:
    whole = exif(order)
    short = without_pictures(whole[:cut]) or b""
    assert len(short) == (len(whole[:cut]) if cut >= 4 else 0)
    if cut >= whole.index(THUMBNAIL):
        assert short == exif(order, bytes(len(THUMBNAIL)), linked=False)[:cut]


@given(st.binary())
def test_bytes_that_are_no_tiff_structure_are_left_out(junk: bytes) -> None:
    assert without_pictures(b"\0" + junk) is None


@given(
    st.sampled_from(sorted(ORDERS)), st.lists(st.integers(0, 64) | st.sampled_from([0x201, 0x202, 0xFFFF]))
)
def test_any_tiff_structure_however_hostile_keeps_its_length(order: str, words: list[int]) -> None:
    hostile = ORDERS[order] + b"".join(struct.pack(order + "H", word) for word in words)
    assert len(without_pictures(hostile) or b"") == len(hostile)


@pytest.mark.parametrize("start", [0, 8, 0xFFFFFFF0, 0xFFFFFFFF])
@pytest.mark.parametrize("length", [0, 10, 0xFFFFFFFF])
@pytest.mark.parametrize("order", ORDERS, ids=["little-endian", "big-endian"])
def test_a_thumbnail_that_claims_to_lie_anywhere_never_moves_a_byte(
    order: str, start: int, length: int
) -> None:
    hostile = (
        ORDERS[order]
        + struct.pack(order + "I", 8)
        + ifd(order, [], 14)
        + ifd(order, [entry(order, 0x0201, LONG, start), entry(order, 0x0202, LONG, length)], 0)
    )
    assert len(without_pictures(hostile) or b"") == len(hostile)


def test_ifds_that_link_to_themselves_are_followed_once() -> None:
    circle = ORDERS["<"] + struct.pack("<I", 8) + ifd("<", [entry("<", ORIENTATION, SHORT, 6)], 8)
    assert without_pictures(circle) == circle[:-4] + bytes(4)


@pytest.mark.parametrize("kind", ["baseline", "progressive"])
@pytest.mark.parametrize("order", ORDERS, ids=["little-endian", "big-endian"])
def test_the_previews_in_a_maker_note_show_nothing_any_more(order: str, kind: str) -> None:
    preview = jpeg(photo(64, 48), progressive=kind == "progressive")
    before, between, behind = (
        exif(order, linked=False),
        b"\xff\xd8\xff no picture",
        b"the rest of a MakerNote",
    )
    without = without_pictures(before + preview + between + preview + behind)
    assert without is not None
    assert len(without) == len(before + preview + between + preview + behind)
    assert without.startswith(before)
    assert without.endswith(behind)
    assert between in without
    assert b"\xff\xda" not in without or kind == "progressive"
    assert b"\xff\xdb" not in without  # no quantisation table: nothing to decode with


def test_exif_longer_than_any_reader_takes_is_left_out() -> None:
    assert without_pictures(exif("<").ljust(MAX_EXIF_BYTES + 1, b"\0")) is None
