"""The directory of a TIFF: what is read of it, and that nothing it claims is believed."""

from __future__ import annotations

import time
import tracemalloc
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.images import LIMITS, grey, photo, verdict
from support.tiffs import built, cuts_of, files, strips

from shared.codecs import headers
from shared.codecs.limits import Limits
from shared.codecs.tiff.ifd import first_directory
from shared.options import Options
from shared.problems import ImageTooLarge, MalformedImage, Problem, UnsupportedFormat

GREY = photo(32, 64, 1)
ROWS = [GREY[row : row + 8].tobytes() for row in range(0, 64, 8)]
TAGS: dict[int, tuple[int, list[int]]] = {
    256: (4, [32]),
    257: (4, [64]),
    258: (3, [8]),
    259: (3, [1]),
    262: (3, [1]),
    277: (3, [1]),
    278: (4, [8]),
}


def read(data: bytes, limits: Limits = LIMITS) -> headers.ImageHeader:
    return headers.read(memoryview(data), limits)


@pytest.mark.parametrize("big", [False, True])
@pytest.mark.parametrize("order", ["<", ">"])
def test_numbers_are_read_in_both_byte_orders_and_sizes(order: str, *, big: bool) -> None:
    data = built(TAGS | {270: (3, [1, 2, 65535])}, ROWS, order=order, big=big)
    assert first_directory(memoryview(data)).numbers(270).tolist() == [1, 2, 65535]
    header = read(data)
    assert (header.width, header.height, header.units, header.is_grey) == (32, 64, 8, True)


DAMAGED: dict[str, tuple[type[Problem], bytes]] = {
    "no width": (MalformedImage, built(TAGS | {256: (4, [0])}, ROWS)),
    "no rows in a strip": (MalformedImage, built(TAGS | {278: (4, [0])}, ROWS)),
    "too few strips": (MalformedImage, built(TAGS, ROWS[:-1])),
    "too many strips": (MalformedImage, built(TAGS, [*ROWS, ROWS[0]])),
    "a strip without data": (MalformedImage, built(TAGS, [*ROWS[:-1], b""])),
    "a strip shorter than its rows": (MalformedImage, built(TAGS, [*ROWS[:-1], ROWS[0][:-1]])),
    "offsets outside": (MalformedImage, built(TAGS | {273: (4, [2**32 - 8] * 8)}, ROWS)),
    "sizes outside": (MalformedImage, built(TAGS | {279: (4, [2**32 - 8] * 8)}, ROWS)),
    "64-bit numbers that overflow": (
        MalformedImage,
        built(TAGS | {273: (16, [2**64 - 1] * 8), 279: (16, [2**64 - 1] * 8)}, ROWS, big=True),
    ),
    "one strip eight times": (MalformedImage, built(TAGS | {273: (4, [8] * 8)}, ROWS)),
    "strips that overlap by a byte": (
        MalformedImage,
        built(TAGS | {273: (4, [8 + 255 * i for i in range(8)])}, ROWS),
    ),
    "tiles of odd sides": (
        MalformedImage,
        built(TAGS | {322: (4, [31]), 323: (4, [31])}, ROWS, places=(324, 325)),
    ),
    "a huge tile": (
        ImageTooLarge,
        built(TAGS | {259: (3, [5]), 322: (4, [2**32 - 16]), 323: (4, [16])}, ROWS[:4], places=(324, 325)),
    ),
    "a huge picture": (ImageTooLarge, built(TAGS | {256: (4, [200_000]), 257: (4, [200_000])}, ROWS)),
    "an endless side": (ImageTooLarge, built(TAGS | {256: (4, [2**32 - 1])}, ROWS)),
    "samples without end": (UnsupportedFormat, built(TAGS | {277: (4, [2**32 - 1])}, ROWS)),
    "an unknown compression": (UnsupportedFormat, built(TAGS | {259: (3, [50001])}, ROWS)),
}


@pytest.mark.parametrize("name", DAMAGED)
def test_claims_are_checked_before_memory_is_spent(name: str) -> None:
    problem, data = DAMAGED[name]
    begin = time.process_time()
    with pytest.raises(problem):
        read(data)
    assert time.process_time() - begin < 0.1


@pytest.mark.parametrize("tag", [256, 277, 279, 339, 347])
def test_values_without_end_are_refused_uncopied(tag: int) -> None:
    file = built(TAGS | {258: (3, [16]), tag: (3, [1] * (2 << 20))}, ROWS)
    tracemalloc.start()
    with pytest.raises((MalformedImage, ImageTooLarge)):
        read(file)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 1 << 20


def test_limits_are_named_for_the_picture_and_for_what_cannot_be_cut() -> None:
    with pytest.raises(ImageTooLarge, match="GRISAILLE_MAX_PIXELS") as caught:
        read(built(TAGS, ROWS), Limits(max_pixels=2047))
    assert (caught.value.members["limit"], caught.value.members["actual"]) == (2047, 2048)
    compressed = built(TAGS | {259: (3, [5]), 278: (4, [64])}, [bytes(64)])
    with pytest.raises(ImageTooLarge, match="GRISAILLE_MAX_PIXELS_WHOLE"):
        read(compressed, Limits(max_pixels_whole=2047))
    assert read(built(TAGS, ROWS), Limits(max_pixels_whole=256)).units == 8


def test_a_directory_that_points_to_itself_is_read_once() -> None:
    start = int.from_bytes(built(TAGS, ROWS)[4:8], "little")
    data = built(TAGS, ROWS, next_directory=start)
    assert read(data).notes == ("first-frame",)
    assert verdict(lambda file: grey(file, Options()), data) == 200


@pytest.mark.parametrize(
    ("count", "problem"), [(0, MalformedImage), (4097, ImageTooLarge), (65535, ImageTooLarge)]
)
def test_a_directory_of_absurd_length_is_refused(count: int, problem: type[Problem]) -> None:
    data = bytearray(strips(photo(64, 64), 8))
    at = int.from_bytes(data[4:8], "little")
    data[at : at + 2] = count.to_bytes(2, "little")
    with pytest.raises(problem):
        read(bytes(data) + bytes(12 * 65536))


@pytest.mark.parametrize("name", ["libvips rgb lzw strips", "libvips rgb none BigTIFF", "Pillow P packbits"])
def test_every_file_cut_short_is_refused_or_has_lost_no_pixel(name: str) -> None:
    data = files()[name]
    where = cuts_of(data)
    end = int((where.offsets + where.sizes).max())
    for length in {*range(8, 400, 7), *range(len(data) - 400, len(data), 7), len(data) // 2}:
        found = verdict(read, data[:length])
        assert found == 422 or length >= end


@given(
    name=st.sampled_from(["libvips rgb deflate tiles", "tifffile planes > rows 16", "Pillow 1 group4"]),
    edits=st.lists(st.tuples(st.integers(0, 400), st.integers(0, 255)), min_size=1, max_size=6),
)
def test_any_directory_gives_a_header_or_a_problem(name: str, edits: list[Any]) -> None:
    data = bytearray(files()[name])
    order = "little" if data[:2] == b"II" else "big"
    start = int.from_bytes(data[4:8], order)  # type: ignore[arg-type]
    for place, value in edits:
        data[min(start + place, len(data) - 1)] = value
    try:
        header = read(bytes(data))
    except Problem:
        return
    assert header.width
    assert header.height


@given(body=st.binary(max_size=200), mark=st.sampled_from([b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"]))
def test_any_bytes_give_a_header_or_a_problem(body: bytes, mark: bytes) -> None:
    assert verdict(read, mark + body) in {200, 415, 422}
