"""What stays beside the pixels: read from files that Pillow wrote, read back by Pillow."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable
from itertools import count
from typing import TypeAlias

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageCms

from shared.codecs.jpeg import markers, split
from shared.codecs.jpeg import metadata as jpeg_metadata
from shared.codecs.metadata import Density, Metadata, grey_profile, plain_xmp, without_thumbnail
from shared.codecs.png import chunks
from shared.codecs.png import metadata as png_metadata

ORDERS = {"<": b"II*\0", ">": b"MM\0*"}
ORIENTATION, X_RESOLUTION = 0x0112, 0x011A
THUMBNAIL = bytes(range(1, 200))
XMP = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF/></x:xmpmeta>'
SHORT, LONG = 3, 4

Read: TypeAlias = Callable[[bytes], Metadata]
Write: TypeAlias = Callable[[Metadata], bytes]


def entry(order: str, tag: int, kind: int, value: int) -> bytes:
    """An IFD entry of one value (TIFF 6.0 section 2)."""
    packed = struct.pack(order + ("H" if kind == SHORT else "I"), value)
    return struct.pack(order + "HHI", tag, kind, 1) + packed.ljust(4, b"\0")


def ifd(order: str, entries: list[bytes], following: int) -> bytes:
    return struct.pack(order + "H", len(entries)) + b"".join(entries) + struct.pack(order + "I", following)


def exif(order: str, thumbnail: bytes = THUMBNAIL, *, linked: bool = True, strips: bool = False) -> bytes:
    """Orientation 6 in IFD0, a thumbnail in IFD1 (JPEG, or uncompressed strips), something behind it."""
    first = 8
    second = first + 2 + 12 + 4
    data = second + 2 + 3 * 12 + 4
    offset_tag, length_tag = (0x0111, 0x0117) if strips else (0x0201, 0x0202)
    return (
        ORDERS[order]
        + struct.pack(order + "I", first)
        + ifd(order, [entry(order, ORIENTATION, SHORT, 6)], second if linked else 0)
        + ifd(
            order,
            [
                entry(order, 0x0103, SHORT, 1 if strips else 6),
                entry(order, offset_tag, LONG, data),
                entry(order, length_tag, LONG, len(thumbnail)),
            ],
            0,
        )
        + thumbnail
        + b"a MakerNote that counts its offsets from the start of the file"
    )


def jpeg_with(metadata: Metadata) -> bytes:
    """A grey JPEG of Pillow's with our application segments."""
    file = io.BytesIO()
    Image.linear_gradient("L").save(file, "JPEG")
    view = memoryview(file.getvalue())
    header = markers.parse(view)
    head = split.rebuilt_header(
        header, height=header.height, restart_interval=0, applications=jpeg_metadata.write(metadata)
    )
    return head + view[header.ecs_start :]


def png_with(metadata: Metadata) -> bytes:
    """A grey PNG of Pillow's with our chunks behind its IHDR."""
    file = io.BytesIO()
    Image.linear_gradient("L").save(file, "PNG")
    plain, behind_ihdr = file.getvalue(), 8 + 25
    return plain[:behind_ihdr] + png_metadata.write(metadata) + plain[behind_ihdr:]


def read_jpeg(data: bytes) -> Metadata:
    return jpeg_metadata.read(markers.parse(memoryview(data)))


def read_png(data: bytes) -> Metadata:
    return png_metadata.read(chunks.parse(memoryview(data)))


def opened(data: bytes) -> Image.Image:
    """The image as Pillow reads it, decoded to its last row."""
    image = Image.open(io.BytesIO(data))
    image.load()
    return image


def by_pillow(kind: str, **extra: object) -> bytes:
    """A small file in colour that Pillow wrote with this metadata."""
    file = io.BytesIO()
    Image.new("RGB", (8, 8), (200, 30, 60)).save(file, kind, **extra)
    return file.getvalue()


def profile(colour_space: bytes, size: int = 300) -> bytes:
    """Something with the header of an ICC profile (ICC.1 section 7.2)."""
    body = bytes(n % 251 for n in range(size - 128))
    return struct.pack(">I12x4s16x4s88x", size, colour_space, b"acsp") + body


# The thumbnail


@pytest.mark.parametrize("order", ORDERS, ids=["little-endian", "big-endian"])
def test_a_thumbnail_is_zeroed_and_unlinked_and_nothing_else_changes(order: str) -> None:
    blank = exif(order, bytes(len(THUMBNAIL)), linked=False)
    assert without_thumbnail(exif(order)) == blank


@pytest.mark.parametrize("order", ORDERS, ids=["little-endian", "big-endian"])
def test_an_uncompressed_thumbnail_leaves_no_colour_behind_either(order: str) -> None:
    blank = exif(order, bytes(len(THUMBNAIL)), linked=False, strips=True)
    assert without_thumbnail(exif(order, strips=True)) == blank


@pytest.mark.parametrize("order", ORDERS, ids=["little-endian", "big-endian"])
def test_exif_without_a_thumbnail_stays_byte_for_byte(order: str) -> None:
    plain = exif(order, linked=False)
    assert without_thumbnail(plain) == plain


@pytest.mark.parametrize("order", ORDERS, ids=["little-endian", "big-endian"])
@given(cut=st.integers(0, 400))
def test_exif_cut_short_anywhere_keeps_its_length_and_loses_what_is_left_of_the_thumbnail(
    order: str, cut: int
) -> None:
    whole = exif(order)
    short = without_thumbnail(whole[:cut])
    assert len(short) == len(whole[:cut])
    if cut >= whole.index(THUMBNAIL):
        assert short == exif(order, bytes(len(THUMBNAIL)), linked=False)[:cut]


@given(st.binary())
def test_bytes_that_are_no_tiff_structure_come_back_as_they_are(junk: bytes) -> None:
    no_tiff = b"\0" + junk
    assert without_thumbnail(no_tiff) == no_tiff


@given(
    st.sampled_from(sorted(ORDERS)), st.lists(st.integers(0, 64) | st.sampled_from([0x201, 0x202, 0xFFFF]))
)
def test_any_tiff_structure_however_hostile_keeps_its_length(order: str, words: list[int]) -> None:
    hostile = ORDERS[order] + b"".join(struct.pack(order + "H", word) for word in words)
    assert len(without_thumbnail(hostile)) == len(hostile)


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
    assert len(without_thumbnail(hostile)) == len(hostile)


def test_ifds_that_link_to_themselves_are_followed_once() -> None:
    circle = ORDERS["<"] + struct.pack("<I", 8) + ifd("<", [entry("<", ORIENTATION, SHORT, 6)], 8)
    assert without_thumbnail(circle) == circle[:-4] + bytes(4)


# From a file, through ours, to a reader we did not write


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


def test_an_xmp_packet_that_describes_a_gain_map_goes_with_the_colours() -> None:
    gain_map = XMP.replace(b"<rdf:RDF/>", b"<rdf:RDF hdrgm:Version='1.0'/>")
    assert read_jpeg(by_pillow("JPEG", xmp=gain_map)).xmp is None
    assert read_png(png_with(Metadata(xmp=gain_map))).xmp is None
    assert plain_xmp(XMP) == XMP


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


# Colour profiles


def test_an_rgb_profile_never_stays_on_a_grey_image() -> None:
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    assert opened(by_pillow("JPEG", icc_profile=srgb)).info["icc_profile"] == srgb
    assert read_jpeg(by_pillow("JPEG", icc_profile=srgb)).icc is None
    assert read_png(by_pillow("PNG", icc_profile=srgb)).icc is None


@pytest.mark.parametrize("size", [300, 65_519, 65_520, 200_000])
@pytest.mark.parametrize("written", [jpeg_with, png_with])
def test_a_grey_profile_of_any_usual_size_is_kept_and_moves_between_formats(
    written: Write, size: int
) -> None:
    grey = profile(b"GRAY", size)
    for found in (
        read_jpeg(by_pillow("JPEG", icc_profile=grey)),
        read_png(by_pillow("PNG", icc_profile=grey)),
    ):
        assert found.icc == grey
        assert opened(written(found)).info["icc_profile"] == grey


@pytest.mark.parametrize("icc", [b"", b"GRAY", profile(b"RGB "), profile(b"CMYK"), profile(b"gray")])
def test_only_a_profile_whose_header_says_grey_counts_as_one(icc: bytes) -> None:
    assert grey_profile(icc) is None


def test_a_profile_of_more_pieces_than_a_jpeg_can_count_is_left_out() -> None:
    image = opened(jpeg_with(Metadata(icc=profile(b"GRAY", 255 * 65_519 + 1))))
    assert "icc_profile" not in image.info


def test_the_pieces_of_a_profile_are_joined_by_their_numbers_not_by_their_place() -> None:
    grey = profile(b"GRAY", 1000)
    pieces = [grey[:400], grey[400:]]
    segments = [
        split.segment(markers.APP2, b"ICC_PROFILE\0" + bytes((number, 2)) + piece)
        for number, piece in zip(count(1), pieces, strict=False)
    ]
    plain = by_pillow("JPEG")
    assert read_jpeg(plain[:2] + segments[1] + segments[0] + plain[2:]).icc == grey


# What no file may do to us


def test_a_profile_that_inflates_without_end_is_left_out() -> None:
    bomb = zlib.compress(profile(b"GRAY", 300) + bytes(8 << 20))
    file = png_with(Metadata())
    hostile = file[:33] + chunks.chunk(b"iCCP", b"bomb\0\0" + bomb) + file[33:]
    assert read_png(hostile).icc is None


@given(st.sampled_from([b"eXIf", b"iCCP", b"pHYs", b"iTXt"]), st.binary() | st.binary().map(zlib.compress))
def test_any_bytes_in_a_png_s_metadata_leave_a_file_that_reads(kind: bytes, junk: bytes) -> None:
    for data in (junk, b"XML:com.adobe.xmp\0\0\0" + junk, b"name\0\0" + junk):
        file = png_with(Metadata())
        found = read_png(file[:33] + chunks.chunk(kind, data) + file[33:])
        written = png_with(found)
        assert opened(written).size == (256, 256)
        assert read_png(png_with(read_png(written))) == read_png(written)


@given(
    st.sampled_from([markers.APP0, markers.APP1, markers.APP2]),
    st.sampled_from([b"", b"JFIF\0", b"Exif\0\0", b"http://ns.adobe.com/xap/1.0/\0", b"ICC_PROFILE\0"]),
    st.binary(),
)
def test_any_bytes_in_a_jpeg_s_metadata_leave_a_file_that_reads(
    marker: int, prefix: bytes, junk: bytes
) -> None:
    plain = by_pillow("JPEG")
    found = read_jpeg(plain[:2] + split.segment(marker, prefix + junk) + plain[2:])
    assert opened(jpeg_with(found)).size == (256, 256)


@pytest.mark.parametrize(("size", "kept"), [(65_527, True), (65_528, False), (1_000_000, False)])
def test_exif_that_no_segment_has_room_for_is_left_out_and_the_jpeg_stays_whole(
    size: int,
    kept: bool,  # noqa: FBT001 - a table's column
) -> None:
    long = exif("<", linked=False).ljust(size, b"\0")
    found = read_png(png_with(Metadata(exif=long)))
    assert found.exif == long
    image = opened(jpeg_with(found))
    assert (ORIENTATION in image.getexif()) == kept
    assert image.tobytes() == opened(jpeg_with(Metadata())).tobytes()


@pytest.mark.parametrize(("size", "kept"), [(65_504, True), (65_505, False)])
def test_xmp_that_no_segment_has_room_for_is_left_out_and_the_jpeg_stays_whole(
    size: int,
    kept: bool,  # noqa: FBT001 - a table's column
) -> None:
    image = opened(jpeg_with(Metadata(xmp=XMP.ljust(size))))
    assert ("xmp" in image.info) == kept
