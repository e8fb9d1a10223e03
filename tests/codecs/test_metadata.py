"""What stays beside the pixels of a JPEG or PNG: read from Pillow's files, read back by Pillow."""

from __future__ import annotations

import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.images import opened
from support.metadata import (
    ORDERS,
    ORIENTATION,
    THUMBNAIL,
    XMP,
    Read,
    Write,
    by_pillow,
    exif,
    jpeg_with,
    png_with,
    read_jpeg,
    read_png,
    with_chunks,
    with_segments,
)

from shared.codecs.jpeg import markers
from shared.codecs.metadata import COMMENT, Density, Metadata, Text
from shared.codecs.png import chunks
from shared.codecs.png import metadata as png_metadata

PNG_CHUNKS = [
    b"eXIf",
    b"iCCP",
    b"pHYs",
    b"iTXt",
    b"tEXt",
    b"zTXt",
    b"sBIT",
    b"bKGD",
    b"cICP",
    b"gAMA",
    b"tIME",
]
JPEG_PREFIXES = [
    b"",
    b"JFIF\0",
    b"Exif\0\0",
    b"http://ns.adobe.com/xap/1.0/\0",
    b"ICC_PROFILE\0",
    b"Photoshop 3.0\0",
    b"Photoshop 3.0\x008BIM\4\4\0\0",
]


@pytest.mark.parametrize("order", ORDERS, ids=["little-endian", "big-endian"])
@pytest.mark.parametrize("written", [jpeg_with, png_with])
@pytest.mark.parametrize(("kind", "read"), [("JPEG", read_jpeg), ("PNG", read_png)])
def test_orientation_survives_and_the_colour_thumbnail_does_not(
    kind: str, read: Read, written: Write, order: str
) -> None:
    data = written(read(by_pillow(kind, exif=b"Exif\0\0" + exif(order))))
    image = opened(data)
    assert image.getexif()[ORIENTATION] == 6
    assert THUMBNAIL not in data
    assert image.size == (256, 256)


@pytest.mark.parametrize("written", [jpeg_with, png_with])
def test_xmp_survives_a_jpeg(written: Write) -> None:
    found = read_jpeg(by_pillow("JPEG", xmp=XMP))
    assert found.xmp == XMP
    assert opened(written(found)).info["xmp"] == XMP


@pytest.mark.parametrize("written", [jpeg_with, png_with])
def test_xmp_survives_a_png(written: Write) -> None:
    found = read_png(png_with(Metadata(xmp=XMP)))
    assert found.xmp == XMP
    assert opened(written(found)).info["xmp"] == XMP


@pytest.mark.parametrize("dpi", [(72, 72), (300, 300), (300, 150), (1, 65535), (254, 254)])
def test_dots_per_inch_survive_a_jpeg_into_either_format(dpi: tuple[int, int]) -> None:
    found = read_jpeg(by_pillow("JPEG", dpi=dpi))
    assert opened(jpeg_with(found)).info["dpi"] == pytest.approx(dpi)
    assert opened(png_with(found)).info["dpi"] == pytest.approx(dpi, abs=0.013)  # half a pixel per metre


@pytest.mark.parametrize("dpi", [(72, 72), (300, 300), (300, 150), (2540, 2540)])
def test_dots_per_inch_survive_a_png_into_either_format(dpi: tuple[int, int]) -> None:
    found = read_png(by_pillow("PNG", dpi=dpi))
    assert opened(jpeg_with(found)).info["dpi"] == pytest.approx(dpi)
    assert opened(png_with(found)).info["dpi"] == pytest.approx(dpi, abs=0.013)


@given(st.integers(2, 65535), st.integers(2, 65535))
def test_a_resolution_that_went_through_a_png_is_the_same_number_in_a_jpeg_again(x: int, y: int) -> None:
    told = Density(x / 0.0254, y / 0.0254, absolute=True)
    through_png = read_png(png_with(Metadata(density=told))).density
    assert through_png is not None
    back = read_jpeg(jpeg_with(Metadata(density=through_png))).density
    assert back is not None
    assert (back.x * 0.0254, back.y * 0.0254) == pytest.approx((x, y), abs=0.013)


@given(st.integers(1, 655).map(lambda n: 100 * n), st.integers(1, 655).map(lambda n: 100 * n))
def test_a_resolution_in_whole_centimetres_survives_exactly(x: int, y: int) -> None:
    told = Density(x, y, absolute=True)
    assert read_jpeg(jpeg_with(Metadata(density=told))).density == told
    assert read_png(png_with(Metadata(density=told))).density == told


@given(st.integers(1, 65535), st.integers(1, 65535))
def test_a_pixel_aspect_ratio_stays_a_ratio_in_both_formats(x: int, y: int) -> None:
    told = Density(x, y, absolute=False)
    assert read_png(png_with(Metadata(density=told))).density == told
    assert read_jpeg(jpeg_with(Metadata(density=told))).density == (told if x != y else None)


def test_an_aspect_ratio_of_large_numbers_is_the_same_ratio_in_a_jpeg() -> None:
    back = read_jpeg(jpeg_with(Metadata(density=Density(400_000, 200_000, absolute=False)))).density
    assert back is not None
    assert back.x / back.y == pytest.approx(2, rel=1e-3)


@pytest.mark.parametrize("density", [Density(1e-9, 1e-9, absolute=True), Density(1e15, 1e15, absolute=True)])
@pytest.mark.parametrize("written", [jpeg_with, png_with])
def test_a_resolution_no_format_has_room_for_still_gives_a_readable_file(
    density: Density, written: Write
) -> None:
    assert opened(written(Metadata(density=density))).size == (256, 256)


def test_a_file_that_says_nothing_gets_nothing_said_about_it() -> None:
    assert read_png(by_pillow("PNG")) == Metadata()
    assert read_jpeg(by_pillow("JPEG")) == Metadata()
    assert png_metadata.write(Metadata()) == b""
    assert set(opened(jpeg_with(Metadata())).info) <= {"jfif", "jfif_version", "jfif_unit", "jfif_density"}


COMMENTS = [b"plain", "gr\u00fcn".encode(), "gr\u00fcn".encode("latin-1"), b"two\nlines"]


@pytest.mark.parametrize("comment", COMMENTS)
def test_comments_of_a_jpeg_stay_byte_for_byte_and_become_text_in_a_png(comment: bytes) -> None:
    found = read_jpeg(with_segments(by_pillow("JPEG"), (markers.COM, comment), (markers.COM, b"second")))
    assert [bytes(p) for p in markers.parse(memoryview(jpeg_with(found))).payloads(markers.COM)] == [
        comment,
        b"second",
    ]
    alone = opened(png_with(Metadata(texts=found.texts[:1]))).info["Comment"]
    assert alone in {comment.decode("latin-1"), comment.decode(errors="replace")}
    assert "\ufffd" not in alone


def test_texts_of_a_png_become_comments_of_a_jpeg() -> None:
    texts = (
        Text(COMMENT, b"seen"),
        Text("Title", b"Dusk"),
        Text("Author", zlib.compress(b"me"), deflated=True),
    )
    payloads = markers.parse(memoryview(jpeg_with(Metadata(texts=texts)))).payloads(markers.COM)
    assert [bytes(p) for p in payloads] == [b"seen", b"Title: Dusk", b"Author: me"]


def test_a_text_that_inflates_beyond_a_jpeg_segment_is_left_out_of_it() -> None:
    bomb = Text("Title", zlib.compress(bytes(1 << 26)), deflated=True)
    assert not markers.parse(memoryview(jpeg_with(Metadata(texts=(bomb,))))).payloads(markers.COM)


def test_texts_that_inflate_to_more_than_a_megabyte_together_are_left_out_of_a_jpeg() -> None:
    packed = zlib.compress(bytes(60_000))
    texts = tuple(Text(f"T{i}", packed, deflated=True) for i in range(1000))
    plain = Text(COMMENT, b"as it stands")
    written = jpeg_with(Metadata(texts=(*texts, plain)[-1000:]))
    payloads = markers.parse(memoryview(written)).payloads(markers.COM)
    assert sum(map(len, payloads)) < 2 << 20
    assert bytes(payloads[-1]) == b"as it stands"


# What no file may do to us


@given(st.sampled_from(PNG_CHUNKS), st.binary() | st.binary().map(zlib.compress))
def test_any_bytes_in_a_png_s_metadata_leave_a_file_that_reads(kind: bytes, junk: bytes) -> None:
    for data in (junk, b"XML:com.adobe.xmp\0\0\0" + junk, b"name\0\0" + junk):
        found = read_png(with_chunks(by_pillow("PNG"), chunks.chunk(kind, data)))
        written = png_with(found)
        assert opened(written).size == (256, 256)
        assert read_png(png_with(read_png(written))) == read_png(written)


@given(
    st.sampled_from([markers.APP0, markers.APP1, markers.APP2, markers.APP13, markers.COM]),
    st.sampled_from(JPEG_PREFIXES),
    st.binary(),
)
def test_any_bytes_in_a_jpeg_s_metadata_leave_a_file_that_reads(
    marker: int, prefix: bytes, junk: bytes
) -> None:
    found = read_jpeg(with_segments(by_pillow("JPEG"), (marker, prefix + junk)))
    assert opened(jpeg_with(found)).size == (256, 256)


@pytest.mark.parametrize("size", [65_527, 65_528, 1_000_000])
def test_exif_of_any_length_fits_a_jpeg_in_as_many_segments_as_it_takes(size: int) -> None:
    long = exif("<", linked=False).ljust(size, b"\0")
    found = read_png(png_with(Metadata(exif=long)))
    assert found.exif == long
    image = opened(jpeg_with(found))
    assert image.getexif()[ORIENTATION] == 6
    assert image.info["exif"] == b"Exif\0\0" + long
    assert read_jpeg(jpeg_with(found)).exif == long


def test_of_two_whole_exif_blocks_the_first_counts() -> None:
    first, second = exif("<", linked=False), exif(">", linked=False)
    both = [(markers.APP1, b"Exif\0\0" + block) for block in (first, second)]
    assert read_jpeg(with_segments(by_pillow("JPEG"), *both)).exif == first


@pytest.mark.parametrize(("size", "kept"), [(65_504, True), (65_505, False)])
def test_xmp_that_no_segment_has_room_for_is_left_out_and_the_jpeg_stays_whole(
    size: int,
    kept: bool,  # noqa: FBT001 - a table's column
) -> None:
    image = opened(jpeg_with(Metadata(xmp=XMP.ljust(size))))
    assert ("xmp" in image.info) == kept
