"""The marker parser: any bytes give a header or a problem, and what it reads is what is there."""

from __future__ import annotations

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from support.images import jpeg, photo, verdict

from shared.codecs.jpeg import markers, restarts
from shared.codecs.limits import Limits
from shared.problems import ImageTooLarge, MalformedImage, Problem, UnsupportedFormat

SAMPLE = jpeg(photo(61, 47), quality=80, restart_marker_rows=1)
PROGRESSIVE = jpeg(photo(61, 47), quality=80, progressive=True)


def read_all(data: bytes) -> None:
    """Everything the parser offers."""
    view = memoryview(data)
    header = markers.parse(view)
    restarts.entropy_segment(view, header.ecs_start)
    restarts.check_ends(view, header)


@given(st.binary(max_size=400))
def test_any_bytes_are_parsed_or_refused(data: bytes) -> None:
    for candidate in (data, b"\xff\xd8" + data, SAMPLE[:300] + data):
        assert verdict(read_all, candidate) in {200, 415, 422}


@given(st.data())
def test_any_damage_to_a_header_is_parsed_or_refused(data: st.DataObject) -> None:
    damaged = bytearray(SAMPLE)
    for _ in range(data.draw(st.integers(1, 4))):
        damaged[data.draw(st.integers(0, 640))] = data.draw(st.integers(0, 255))
    assert verdict(read_all, bytes(damaged)) in {200, 415, 422}


@pytest.mark.parametrize("sample", [SAMPLE, PROGRESSIVE], ids=["baseline", "progressive"])
def test_every_truncation_is_refused(sample: bytes) -> None:
    for length in range(len(sample) - 1):
        with pytest.raises(MalformedImage):
            read_all(sample[:length])


def test_the_header_says_what_pillow_says() -> None:
    header = markers.parse(memoryview(SAMPLE))
    image = Image.open(io.BytesIO(SAMPLE))
    assert (header.width, header.height) == image.size
    assert [(c.h, c.v) for c in header.components] == [layer[1:3] for layer in image.layer]  # type: ignore[attr-defined]
    assert header.restart_interval == header.mcus_per_row


def test_fill_bytes_before_markers_and_junk_between_segments_are_skipped() -> None:
    plain = markers.parse(memoryview(SAMPLE))
    dqt = SAMPLE.index(b"\xff\xdb")
    for junk in (b"\xff\xff\xff", b"junk", b"\xff\x00\x00"):
        odd = SAMPLE[:dqt] + junk + SAMPLE[dqt:]
        header = markers.parse(memoryview(odd))
        assert (header.width, header.height) == (plain.width, plain.height)


def test_fill_bytes_before_a_restart_marker_are_not_data() -> None:
    header = markers.parse(memoryview(SAMPLE))
    plain = restarts.entropy_segment(memoryview(SAMPLE), header.ecs_start)
    first = int(plain.markers[0])
    filled = memoryview(SAMPLE[:first] + b"\xff\xff" + SAMPLE[first:])
    ecs = restarts.entropy_segment(filled, header.ecs_start)
    assert restarts.before_fill(filled, int(ecs.markers[0]), header.ecs_start) == first
    assert len(ecs.markers) == len(plain.markers)


def test_data_behind_the_image_does_not_count() -> None:
    header = markers.parse(memoryview(SAMPLE))
    trailed = memoryview(SAMPLE + PROGRESSIVE)
    ecs = restarts.entropy_segment(trailed, header.ecs_start)
    assert ecs.end == len(SAMPLE) - 2
    assert restarts.check_ends(trailed, header) == 1


def test_scans_are_counted() -> None:
    assert restarts.check_ends(memoryview(PROGRESSIVE), markers.parse(memoryview(PROGRESSIVE))) == 10


def test_more_scans_than_any_encoder_writes_are_refused() -> None:
    header = markers.parse(memoryview(SAMPLE))
    scan = SAMPLE[SAMPLE.index(b"\xff\xda") : -2]
    bomb = memoryview(SAMPLE[:-2] + scan * Limits().max_scans + b"\xff\xd9")
    with pytest.raises(ImageTooLarge, match="scans"):
        restarts.check_ends(bomb, header)


def test_segments_between_scans_are_counted_like_those_before() -> None:
    header = markers.parse(memoryview(SAMPLE))
    beside = b"\xff\xe5\0\2"
    few, many = (SAMPLE[:-2] + beside * count + b"\xff\xd9" for count in (4000, 5000))
    assert restarts.check_ends(memoryview(few), header) == 1
    with pytest.raises(ImageTooLarge, match="GRISAILLE_MAX_SEGMENTS"):
        restarts.check_ends(memoryview(many), header)


def _frame(**changes: int) -> bytes:
    """The sample with bytes of its frame header changed, by their offset from the marker."""
    changed = bytearray(SAMPLE)
    start = SAMPLE.index(b"\xff\xc0")
    for name, value in changes.items():
        changed[start + int(name[1:])] = value
    return bytes(changed)


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (_frame(_1=0xC3), UnsupportedFormat),  # lossless
        (_frame(_1=0xC5), UnsupportedFormat),  # hierarchical
        (_frame(_1=0xF7), UnsupportedFormat),  # JPEG-LS
        (_frame(_4=12), UnsupportedFormat),  # 12 bit
        (
            _frame(_3=14, _9=2)[: SAMPLE.index(b"\xff\xc0") + 16] + SAMPLE[SAMPLE.index(b"\xff\xc0") + 19 :],
            UnsupportedFormat,
        ),  # two components
        (_frame(_5=0, _6=0), MalformedImage),  # height 0, to be given by DNL
        (_frame(_7=0, _8=0), MalformedImage),  # width 0
        (_frame(_11=0x00), MalformedImage),  # sampling factors 0
        (_frame(_11=0x52), MalformedImage),  # sampling factor 5
        (_frame(_9=9), MalformedImage),  # more components than the segment holds
        (SAMPLE.replace(b"\xff\xc0", b"\xff\xe5", 1), MalformedImage),  # no frame
        (SAMPLE[:2] + SAMPLE, MalformedImage),  # a second SOI
        (b"\xff\xd8\xff\xd9", MalformedImage),  # nothing
        (SAMPLE.replace(b"\xff\xdb\x00\x43", b"\xff\xdb\x00\x01", 1), MalformedImage),  # length 1
    ],
)
def test_frames_that_cannot_be_are_refused(data: bytes, kind: type[Problem]) -> None:
    with pytest.raises(kind):
        markers.parse(memoryview(data))


def test_a_second_frame_is_refused() -> None:
    start = SAMPLE.index(b"\xff\xc0")
    frame = SAMPLE[start : start + 19]
    with pytest.raises(MalformedImage, match="second frame"):
        markers.parse(memoryview(SAMPLE[:start] + frame + SAMPLE[start:]))
