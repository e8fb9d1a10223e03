"""Huffman tables that lack, lie or overflow, and blocks written code by code."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.entropy import SAMPLES, decodes, kept, scanned
from support.jpegs import header_of, stripes_of

from shared.codecs.jpeg import markers, split
from shared.problems import MalformedImage


@given(st.data())
def test_damage_to_the_tables_gets_one_verdict(draw: st.DataObject) -> None:
    sample = draw.draw(st.sampled_from(list(SAMPLES.values())))
    at = sample.index(b"\xff\xc4")
    damaged = bytearray(sample)
    for _ in range(draw.draw(st.integers(1, 3))):
        damaged[draw.draw(st.integers(at + 4, header_of(sample).ecs_start - 15))] = draw.draw(
            st.integers(0, 255)
        )
    try:
        where = split.find_cuts(memoryview(damaged), markers.parse(memoryview(damaged)))
    except MalformedImage:
        return
    if where is not None:
        for verdict in (scanned, kept):
            assert verdict(bytes(damaged)) in {"clean", "unclean", "malformed"}


def segment_at(data: bytes, marker: bytes, number: int = 0) -> tuple[int, int]:
    """Where a marker segment begins and ends."""
    at = -1
    for _ in range(number + 1):
        at = data.index(marker, at + 1)
    return at, at + 2 + int.from_bytes(data[at + 2 : at + 4], "big")


def test_tables_that_a_file_does_not_bring_are_the_standard_ones() -> None:
    data = SAMPLES["pillow 4:2:0"]
    bare = data
    while b"\xff\xc4" in bare:
        at, end = segment_at(bare, b"\xff\xc4")
        bare = bare[:at] + bare[end:]
    assert scanned(bare) == kept(bare) == decodes(bare) == "clean"


def test_of_two_tables_for_one_destination_the_last_counts() -> None:
    data = SAMPLES["pillow 4:2:0"]
    at, end = segment_at(data, b"\xff\xc4", 1)
    other = bytearray(data[at:end])
    other[-1], other[-2] = other[-2], other[-1]
    first = data[:at] + bytes(other) + data[at:]
    assert scanned(first) == kept(first) == decodes(first) == "clean"
    last = data[:end] + bytes(other) + data[end:]
    assert stripes_of(last, 1)[0].pieces


def huffman_table(data: bytes, counts: bytes) -> bytes:
    """The first DC table with other counts of codes, its symbols 0, 1, 2 ..."""
    at, end = segment_at(data, b"\xff\xc4")
    payload = b"\x00" + counts + bytes(i % 12 for i in range(sum(counts)))
    return data[:at] + b"\xff\xc4" + (len(payload) + 2).to_bytes(2, "big") + payload + data[end:]


@pytest.mark.parametrize(
    "counts",
    [
        bytes([3] + [0] * 15),  # three codes of one bit
        bytes([2] + [0] * 15),  # all ones is none (C.2)
        bytes([1, 2] + [0] * 14),
        bytes([1] * 15 + [2]),
        bytes([0] * 7 + [255] + [2] + [0] * 7),
        bytes([0] * 6 + [129] + [0] * 9),
    ],
)
def test_tables_with_more_codes_than_there_is_room_for_are_malformed(counts: bytes) -> None:
    data = huffman_table(SAMPLES["pillow 4:2:0"], counts)
    assert scanned(data) == kept(data) == "malformed"


@pytest.mark.parametrize("both", [0x22, 0x30, 0x03, 0xFF, 0x40])
def test_tables_that_are_not_there_are_malformed(both: int) -> None:
    at, _ = segment_at(SAMPLES["pillow 4:2:0"], b"\xff\xda")
    damaged = bytearray(SAMPLES["pillow 4:2:0"])
    damaged[at + 6] = both
    assert scanned(bytes(damaged)) == kept(bytes(damaged)) == "malformed"


def test_a_scan_of_components_that_the_frame_does_not_have_is_malformed() -> None:
    at, _ = segment_at(SAMPLES["pillow 4:2:0"], b"\xff\xda")
    damaged = bytearray(SAMPLES["pillow 4:2:0"])
    damaged[at + 7] = 9
    assert scanned(bytes(damaged)) == kept(bytes(damaged)) == "malformed"


def one_block(*symbols: int, dc: int = 0) -> bytes:
    """A grey picture of one block whose codes are one byte each: the symbol's place in the list, DC first."""
    table = bytes([0] * 7 + [len(symbols) + 1] + [0] * 8)
    tables = b"".join(
        split.segment(markers.DHT, bytes((kind << 4,)) + table + bytes((dc if kind == 0 else 0, *symbols)))
        for kind in (0, 1)
    )
    sample = SAMPLES["grey"]
    _, frame_end = segment_at(sample, b"\xff\xc0")
    frame = bytearray(sample[:frame_end])
    at = sample.index(b"\xff\xc0")
    frame[at + 5 : at + 9] = bytes((0, 8, 0, 8))
    start, end = segment_at(sample, b"\xff\xda")
    return bytes(frame) + tables + sample[start:end]


@pytest.mark.parametrize(
    ("codes_used", "verdict"),
    [
        ([0, 0], "clean"),  # DC, EOB
        ([0, 1, 1, 1, 1], "unclean"),  # four times 16 zeros: 64 of 63
        ([0, 1, 1, 1, 0], "clean"),
        ([0, 9], "unclean"),  # no such code
    ],
)
def test_blocks_by_hand(codes_used: list[int], verdict: str) -> None:
    data = one_block(0xF0) + bytes(codes_used) + b"\xff\xd9"
    assert scanned(data) == verdict
    assert (kept(data) == "clean") == (verdict == "clean")


def test_a_dc_difference_of_more_than_11_bits_is_unclean() -> None:
    data = one_block(0xF0, dc=12) + bytes([0, 0b11111111, 0, 0b11110000, 0b00001111]) + b"\xff\xd9"
    assert kept(data) == "unclean"
