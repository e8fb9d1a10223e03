"""The entropy kernels: borders as a slow decoder finds them; any bytes give a verdict, the same for all.

Kernels check their bounds here (conftest): reading outside an array would be an IndexError.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.coefficients import Bits, Coding, codes, decoded, unstuffed
from support.entropy import SAMPLES, SLOWEST_SECONDS, check_verdict, converts, decodes, kept, scanned
from support.images import jpeg, photo
from support.jpegs import OPTIMISED, WRITERS, Maker, checks, cuts_of, header_of, noise, stripes_of

from shared.codecs.formats import Format
from shared.codecs.jpeg import entropy, huffman, scan
from shared.codecs.jpeg.filler import CannotFillError
from shared.problems import MalformedImage

MARKED = jpeg(photo(67, 90), quality=80, restart_marker_blocks=7)


def codings(data: bytes) -> list[Coding]:
    header = header_of(data)
    tables = huffman.tables(header)
    selectors = [both for _, both in zip(*[iter(header.scan.payload[1:-3])] * 2, strict=True)]
    return [
        Coding(
            columns * lines,
            *(
                codes(tables[kind, at].counts, tables[kind, at].values)
                for kind, at in ((0, both >> 4), (1, both & 15))
            ),
        )
        for (columns, lines), both in zip(scan.blocks_of(header), selectors, strict=True)
    ]


def slow_borders(data: bytes) -> Iterator[scan.Border]:
    """Where each MCU row begins, by the slow decoder."""
    header, cuts = header_of(data), cuts_of(data)
    text, places = unstuffed(data[cuts.ecs.start : cuts.ecs.end])
    bits, predictors = Bits(text), [0] * header.channels
    for _ in range(header.mcu_rows):
        yield scan.Border(8 * cuts.ecs.start + places[bits.at], tuple(predictors))
        for block in decoded(bits, codings(data), header.mcus_per_row):
            predictors[block.component] += block.difference
    assert len(text) - bits.at < 8


@pytest.mark.parametrize("make", [photo, noise, checks])
@pytest.mark.parametrize("writer", [*WRITERS, *OPTIMISED])
def test_borders_are_where_a_slow_decoder_finds_them(writer: str, make: Maker) -> None:
    for quality in (30, 100):
        data = (WRITERS | OPTIMISED)[writer](make(37, 70), quality)
        found = scan.EntropyScan(memoryview(data), header_of(data), cuts_of(data).ecs)
        expected = list(slow_borders(data))
        assert [found.border(row) for row in range(len(expected))] == expected


def test_borders_asked_for_in_any_order_are_the_same() -> None:
    data = SAMPLES["pillow 4:2:0"]
    rows = header_of(data).mcu_rows
    by_one = scan.EntropyScan(memoryview(data), header_of(data), cuts_of(data).ecs)
    at_once = scan.EntropyScan(memoryview(data), header_of(data), cuts_of(data).ecs)
    at_once.border(rows)
    assert [by_one.border(row) for row in range(rows + 1)] == [at_once.border(row) for row in range(rows + 1)]


def with_data(data: bytes, entropy_coded: bytes) -> bytes:
    """The header of a file with other data behind it."""
    return data[: header_of(data).ecs_start] + entropy_coded.replace(b"\xff", b"\xff\x00") + b"\xff\xd9"


@given(st.sampled_from(list(SAMPLES.values())), st.binary(max_size=3000))
def test_any_bytes_get_one_verdict(sample: bytes, data: bytes) -> None:
    check_verdict(with_data(sample, data))


@given(st.sampled_from(list(SAMPLES.values())), st.data())
def test_flipped_bits_get_one_verdict(sample: bytes, draw: st.DataObject) -> None:
    damaged = bytearray(sample)
    start = header_of(sample).ecs_start
    for _ in range(draw.draw(st.integers(1, 4))):
        bit = draw.draw(st.integers(8 * start, 8 * len(sample) - 17))
        damaged[bit // 8] ^= 1 << bit % 8
    check_verdict(bytes(damaged))


@pytest.mark.parametrize("sample", SAMPLES)
def test_data_cut_at_any_byte_is_malformed(sample: str) -> None:
    data, start = SAMPLES[sample], header_of(SAMPLES[sample]).ecs_start
    near_the_end = range(len(data) - 120, len(data) - 3)
    for length in [*range(start, start + 20), *range(start, len(data) - 3, 37), *near_the_end]:
        cut = data[:length].rstrip(b"\xff") + b"\xff\xd9"
        assert scanned(cut) == kept(cut) == decodes(cut) == "malformed", length


@pytest.mark.parametrize("sample", SAMPLES)
@pytest.mark.parametrize("more", [b"\x00", b"\x55" * 3, bytes(1000), b"\xff\x00" * 9])
def test_data_that_goes_on_is_unclean(sample: str, more: bytes) -> None:
    longer = SAMPLES[sample][:-2] + more + b"\xff\xd9"
    assert scanned(longer) == kept(longer) == "unclean"
    assert stripes_of(longer, 1)
    with pytest.raises(scan.UncleanScanError):
        stripes_of(longer, 2)


def test_the_offset_is_where_the_data_ends_or_breaks() -> None:
    data = SAMPLES["pillow 4:2:0"]
    for at in range(header_of(data).ecs_start + 3, len(data) - 2, 97):
        sound = data[:at].rstrip(b"\xff")
        with pytest.raises(MalformedImage) as cut:
            stripes_of(sound + b"\xff\xd9", 6)
        assert cut.value.members["offset"] == len(sound)
        with pytest.raises(scan.UncleanScanError) as broken:
            stripes_of(sound + b"\xff\x00" * 20 + data[at:], 6)
        (offset,) = re.findall(r"byte (\d+)", str(broken.value))
        longest_code = 2
        assert len(sound) - longest_code <= int(offset) <= at + 40


@pytest.mark.parametrize("more", [b"", bytes(100_000)], ids=["", "with bytes left over"])
@pytest.mark.parametrize("written", [Format.PNG, Format.JPEG])
def test_codes_that_no_table_has_get_one_verdict_however_a_worker_decodes(
    written: Format, more: bytes
) -> None:
    # libjpeg-turbo's fast loop passes over such codes in silence (jdhuff.c, decode_mcu_fast).
    data = jpeg(photo(1000, 1100))
    start = header_of(data).ecs_start
    for share in (0.1, 0.6, 0.999):
        at = start + int((len(data) - start) * share)
        broken = data[:at].rstrip(b"\xff") + b"\xff\x00" * 3 + data[at:-2] + more + b"\xff\xd9"
        assert scanned(broken) == "unclean"
        assert len({converts(broken, written, overlap=overlap) for overlap in (False, True)}) == 1


@pytest.mark.parametrize("side", [(65500, 60), (60, 65500), (8192, 8192)])
@pytest.mark.parametrize("sample", SAMPLES)
def test_a_claimed_gigantic_size_is_found_out_at_once(sample: str, side: tuple[int, int]) -> None:
    frame = SAMPLES[sample].index(b"\xff\xc0")
    sizes = side[1].to_bytes(2, "big") + side[0].to_bytes(2, "big")
    lying = SAMPLES[sample][: frame + 5] + sizes + SAMPLES[sample][frame + 9 :]
    started = time.process_time()
    assert scanned(lying) == "malformed"
    assert time.process_time() - started < SLOWEST_SECONDS


@given(st.binary(max_size=600), st.integers(0, 60))
def test_damage_between_restart_markers_gets_a_verdict(noise: bytes, at: int) -> None:
    ecs = cuts_of(MARKED).ecs
    border = int(ecs.markers[at % len(ecs.markers)])
    damaged = MARKED[:border] + noise.replace(b"\xff", b"\xff\x00") + MARKED[border:]
    started = time.process_time()
    assert kept(damaged) in {"clean", "unclean", "malformed"}
    assert time.process_time() - started < SLOWEST_SECONDS


def test_statuses_are_told_apart() -> None:
    assert isinstance(scan.failure(entropy.ENDED_EARLY, 80), MalformedImage)
    for status in (entropy.BAD_CODE, entropy.OVERSHOT, entropy.LEFT_OVER, entropy.TOO_LARGE):
        assert isinstance(scan.failure(status, 80), scan.UncleanScanError)
    assert issubclass(CannotFillError, scan.UncleanScanError)
