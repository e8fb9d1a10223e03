"""The filler MCU row and the bits behind it, against a slow decoder and strings of bits."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.coefficients import Bits, Block, Coding, codes, decoded, stuffed, unstuffed

from shared.codecs.jpeg.bits import bits_between
from shared.codecs.jpeg.filler import CannotFillError, FillerComponent, filler_row
from shared.codecs.jpeg.huffman import AC, DC, STANDARD, HuffmanTable

LUMA = FillerComponent(4, STANDARD[DC, 0], STANDARD[AC, 0])
CHROMA = FillerComponent(1, STANDARD[DC, 1], STANDARD[AC, 1])
PREDICTORS = st.integers(-2047, 2047)


def table(**symbols: int) -> HuffmanTable:
    """A table with codes of given lengths: `_0x21=3` is symbol 0x21 in 3 bits."""
    lengths = {int(name[1:], 16): length for name, length in symbols.items()}
    ordered = sorted(lengths, key=lambda symbol: lengths[symbol])
    return HuffmanTable(
        bytes(list(lengths.values()).count(length) for length in range(1, 17)), bytes(ordered)
    )


def blocks_of(row: str, components: list[FillerComponent], mcus: int) -> list[Block]:
    """The row decoded, to its last bit and not beyond."""
    codings = [
        Coding(c.blocks, codes(c.dc.counts, c.dc.values), codes(c.ac.counts, c.ac.values)) for c in components
    ]
    bits = Bits(row)
    found = list(decoded(bits, codings, mcus))
    assert bits.at == len(row)
    return found


def check_row(components: list[FillerComponent], mcus: int, predictors: list[int], phase: int) -> str:
    """The law of a filler row: a legal MCU row, of the length and with the DC sums asked for."""
    row = filler_row(components, mcus, predictors, phase)
    assert len(row) % 8 == phase
    found = blocks_of(row, components, mcus)
    for component, wanted in enumerate(predictors):
        dc, sums = 0, [0]
        for block in found:
            if block.component == component:
                dc += block.difference
                sums.append(dc)
        assert dc == wanted
        assert max(map(abs, sums)) < 1 << 15, "a coefficient that decoders do not have room for"
    return row


@given(
    st.integers(1, 5),
    st.tuples(PREDICTORS, PREDICTORS, PREDICTORS),
    st.integers(0, 7),
    st.sampled_from([1, 2, 4]),
)
def test_with_the_standard_tables_every_state_can_be_reached(
    mcus: int, predictors: tuple[int, int, int], phase: int, luma_blocks: int
) -> None:
    luma = FillerComponent(luma_blocks, LUMA.dc, LUMA.ac)
    check_row([luma, CHROMA, CHROMA], mcus, list(predictors), phase)


@pytest.mark.parametrize("phase", range(8))
@pytest.mark.parametrize("predictor", [0, 1, -1, 2047, -2047, 1024, -1024])
def test_one_block_of_grey_is_room_enough(predictor: int, phase: int) -> None:
    check_row([FillerComponent(1, LUMA.dc, LUMA.ac)], 1, [predictor], phase)


def test_all_blocks_but_a_few_are_as_short_as_they_can_be() -> None:
    row = check_row([LUMA, CHROMA, CHROMA], 480, [-300, 5, 1000], 3)
    shortest = 4 * (2 + 4) + 2 * (2 + 2)
    assert len(row) <= 480 * shortest + 200


@st.composite
def tables(draw: st.DrawFn, symbols: list[int], needed: set[int]) -> HuffmanTable:
    """A legal table of some of the symbols, their codes of any lengths that leave one code over."""
    used = sorted(needed | draw(st.sets(st.sampled_from(symbols), max_size=12)))
    order = draw(st.permutations(used))
    counts, room = [0] * 17, 1 << 16
    left = len(order)
    for length in range(1, 17):
        while left and draw(st.booleans()) and room - (1 << (16 - length)) > left - 1:
            counts[length] += 1
            room -= 1 << (16 - length)
            left -= 1
    counts[16] += left
    return HuffmanTable(bytes(counts[1:]), bytes(order))


AC_SYMBOLS = [0xF0, *(run << 4 | size for run in range(16) for size in range(1, 11))]


@given(
    dc=tables(list(range(12)), {0}),
    ac=tables(AC_SYMBOLS, set()) | tables(AC_SYMBOLS, {0}),
    mcus=st.integers(1, 40),
    predictor=PREDICTORS,
    phase=st.integers(0, 7),
)
def test_with_any_tables_a_row_is_right_or_refused(
    dc: HuffmanTable, ac: HuffmanTable, mcus: int, predictor: int, phase: int
) -> None:
    try:
        check_row([FillerComponent(1, dc, ac)], mcus, [predictor], phase)
    except CannotFillError:
        return


def test_a_table_without_end_of_block_can_fill_the_block_instead() -> None:
    # Runs of 15, three of them, and the rest with single coefficients; one odd code, to shift by a bit.
    ac = table(_01=2, _F0=3, _E1=3, _02=4)
    for phase in range(8):
        row = check_row([FillerComponent(1, STANDARD[DC, 0], ac)], 8, [-77], phase)
        assert all(any(block.coefficients) for block in blocks_of(row, [FillerComponent(1, LUMA.dc, ac)], 8))


@pytest.mark.parametrize(
    "ac",
    [
        table(_F0=1),  # 16 zeros: 48 or 64, never 63
        table(_F1=2),  # 16 coefficients at a time, too
        table(_10=2, _F0=3),  # an EOB run is no EOB
        table(_A1=1),  # 11 at a time
    ],
)
def test_a_table_that_can_neither_end_nor_fill_a_block_is_refused(ac: HuffmanTable) -> None:
    with pytest.raises(CannotFillError, match="no code for a block"):
        filler_row([FillerComponent(1, STANDARD[DC, 0], ac)], 100, [0], 0)


def test_a_table_without_a_code_for_no_dc_difference_is_refused() -> None:
    with pytest.raises(CannotFillError, match="no code for a block"):
        filler_row([FillerComponent(1, table(_03=1, _04=2), STANDARD[AC, 0])], 100, [5], 0)


def test_a_table_with_no_other_dc_difference_reaches_no_predictor_but_0() -> None:
    only = FillerComponent(1, table(_00=1), STANDARD[AC, 0])
    check_row([only], 4, [0], 5)
    with pytest.raises(CannotFillError, match="no code for any DC difference"):
        filler_row([only], 4, [1], 5)


def test_differences_that_8_bit_baseline_does_not_have_are_not_used() -> None:
    # Categories over 11 (table F.1), though the table has codes for them.
    with pytest.raises(CannotFillError, match="no code for any DC difference"):
        filler_row([FillerComponent(1, table(_00=1, _0C=2, _0F=3), STANDARD[AC, 0])], 64, [5], 0)


@pytest.mark.parametrize("predictor", [1, 3, 4, 7, 8, -9, 100, -255])
def test_a_predictor_is_reached_in_several_steps_of_the_category_there_is(predictor: int) -> None:
    check_row([FillerComponent(1, table(_00=1, _03=2), STANDARD[AC, 0])], 64, [predictor], 2)


def test_too_few_blocks_for_the_steps_are_refused() -> None:
    with pytest.raises(CannotFillError, match="too few blocks"):
        filler_row([FillerComponent(1, table(_00=1, _01=2), STANDARD[AC, 0])], 9, [10], 0)


def test_codes_of_even_length_alone_reach_no_odd_phase() -> None:
    even = FillerComponent(1, table(_00=2, _02=2), table(_00=2, _02=2))
    check_row([even], 8, [3], 6)
    with pytest.raises(CannotFillError, match="length"):
        filler_row([even], 8, [3], 5)


def test_no_zeros_are_coded_behind_the_last_coefficient() -> None:
    # One block: an end of block behind none to three runs of 16; a fourth would be one coefficient too far.
    component = FillerComponent(1, table(_00=2), table(_00=2, _F0=3))
    reached = {(2 + 2 + 3 * runs) % 8 for runs in range(4)}
    for phase in range(8):
        if phase in reached:
            check_row([component], 1, [0], phase)
        else:
            with pytest.raises(CannotFillError):
                filler_row([component], 1, [0], phase)


def check_bits(data: bytes, ahead: str, first: int, end: int) -> None:
    """The law: bits [first, end) of unstuffed `data` behind those of `ahead`, as strings of bits say."""
    file = b"\xff\xda" + data.replace(b"\xff", b"\xff\x00") + b"\xff\xd9"
    bits, places = unstuffed(file[2:-2])
    places = [16 + place for place in places] + [8 * (len(file) - 2)]
    found = b"".join(bits_between(memoryview(file), ahead, places[first], places[end]))
    assert found == stuffed(ahead + bits[first:end])


@pytest.mark.parametrize("data", [b"\xff" * 14, b"\xff\x00\x7f\xfe" * 4, bytes(range(248, 264 - 8)) * 2])
def test_bits_are_copied_from_anywhere_to_anywhere(data: bytes) -> None:
    for first in range(8 * len(data) + 1):
        for end in range(first, 8 * len(data) + 1):
            for fill in "01":
                check_bits(data, fill * (8 + first % 8), first, end)


@given(st.binary(max_size=60), st.text("01", max_size=40), st.data())
def test_bits_are_copied_as_a_string_of_bits_would_be(data: bytes, ahead: str, where: st.DataObject) -> None:
    first = where.draw(st.integers(0, 8 * len(data)))
    end = where.draw(st.integers(first, 8 * len(data)))
    check_bits(data, ahead + "1" * ((first - len(ahead)) % 8), first, end)
