"""Metadata to and from TIFF tags, as Pillow reads them."""

from __future__ import annotations

import io
import struct
import tracemalloc
from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageCms
from PIL.TiffImagePlugin import IFDRational
from support.images import encoded, grey, image, jpeg, opened, photo, png
from support.tiffs import built, by_tifffile

from shared.codecs.exif import MAX_EXIF_BYTES
from shared.codecs.formats import Format
from shared.codecs.metadata import Density, Metadata
from shared.codecs.tiff import header, metadata
from shared.codecs.tiff.types import X_RESOLUTION
from shared.options import Keep, Options

WRITTEN = (Format.TIFF, Format.JPEG, Format.PNG)
XMP = b"<x:xmpmeta xmlns:x='adobe:ns:meta/'>hello</x:xmpmeta>"


def exif(order: str = "<") -> Image.Exif:
    """Descriptions, an Exif and a GPS directory."""
    made = Image.Exif()
    made.endian = order
    made[0x0112] = 6
    made[0x010F] = "Camera & Co"
    made[0x8298] = "me"
    made[0x8769] = {0x829A: IFDRational(1, 200), 0x927C: b"\x01\x02maker", 0x9000: b"0230", 0x8827: 400}
    made[0x8825] = {1: "N", 2: (IFDRational(52), IFDRational(30), IFDRational(1234, 100))}
    return made


def described(data: bytes) -> dict[str, object]:
    """The EXIF of a file as Pillow reads it, without what says how pixels are stored."""
    read = Image.open(io.BytesIO(data)).getexif()  # loading would turn a TIFF and drop the tag
    plain = {tag: read[tag] for tag in (0x0112, 0x010F, 0x8298)}
    return {"plain": plain, "exif": read.get_ifd(0x8769), "gps": read.get_ifd(0x8825)}


@pytest.mark.parametrize("written", WRITTEN)
@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("kind", ["TIFF", "JPEG", "PNG"])
def test_exif_goes_from_every_format_to_every_format(kind: str, order: str, written: Format) -> None:
    data = encoded(image(photo(64, 48)), kind, exif=exif(order).tobytes())
    result = grey(data, Options(format=written))
    assert described(result) == described(data)
    assert described(result)["plain"] == {0x0112: 6, 0x010F: "Camera & Co", 0x8298: "me"}
    assert not opened(grey(data, Options(format=written, metadata=Keep.STRIP))).getexif().get(0x0112)


@pytest.mark.parametrize("written", WRITTEN)
@pytest.mark.parametrize(("unit", "dpi"), [("INCH", (300, 150)), ("CENTIMETER", (254, 254))])
def test_resolution_goes_from_tiff_to_every_format(written: Format, unit: str, dpi: tuple[int, int]) -> None:
    scale = 2.54 if unit == "CENTIMETER" else 1.0
    data = by_tifffile(
        photo(64, 48), photometric="rgb", resolution=(dpi[0] / scale, dpi[1] / scale), resolutionunit=unit
    )
    result = opened(grey(data, Options(format=written)))
    assert result.info["dpi"] == pytest.approx(dpi, abs=0.02)


@pytest.mark.parametrize("written", WRITTEN)
def test_xmp_goes_from_tiff_to_every_format(written: Format) -> None:
    tags = Image.Exif()
    tags[700] = XMP
    data = encoded(image(photo(64, 48)), "TIFF", exif=tags)
    assert opened(grey(data, Options(format=written))).info["xmp"] == XMP


def test_a_colour_profile_never_stays() -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    for data in (
        encoded(image(photo(64, 48)), "TIFF", icc_profile=profile),
        jpeg(photo(64, 48), icc_profile=profile),
        png(photo(64, 48), icc_profile=profile),
    ):
        assert "icc_profile" not in opened(grey(data, Options(format=Format.TIFF))).info


def test_tags_of_the_sources_own_pixels_stay_behind() -> None:
    data = encoded(image(photo(64, 48)), "TIFF", exif=exif().tobytes())
    result = opened(grey(data, Options(format=Format.JPEG))).getexif()
    assert set(result) == {0x0112, 0x010F, 0x8298, 0x8769, 0x8825}


@pytest.mark.parametrize(
    "damaged", [b"", b"II*\0", b"II*\0\xff\xff\xff\xff", b"Exif", b"MM\0*\0\0\0\x08\xff\xff"]
)
def test_exif_that_cannot_be_followed_is_left_out(damaged: bytes) -> None:
    assert metadata.write(Metadata(exif=damaged)).entries == []


def overlapping(tags: Iterable[int], size: int, beside: bytes = b"") -> bytes:
    """A directory of large values that all lie over each other."""
    entries = sorted((tag, 7, size - 10_000, 8_000) for tag in tags)
    packed = b"".join(struct.pack("<HHII", *entry) for entry in entries)
    return (struct.pack("<H", len(entries)) + packed + bytes(4) + beside).ljust(size, b"x")


def test_values_that_lie_over_each_other_are_not_multiplied() -> None:
    below = b"II*\0\x08\0\0\0" + struct.pack("<HHHIIxxxx", 1, 0x8769, 4, 1, 26)
    exif = below + overlapping(range(1, 500), (1 << 20) - len(below))
    tracemalloc.start()
    written = metadata.write(Metadata(exif=exif))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert written.below == {}
    assert peak < 1 << 20


def test_a_directory_of_exif_that_is_not_there_is_left_out() -> None:
    data = bytearray(encoded(image(photo(64, 48)), "TIFF", exif=exif().tobytes()))
    at = data.index(b"\x69\x87\x04\0\x01\0\0\0")  # the entry 0x8769, LONG, one value
    data[at + 8 : at + 12] = b"\xff\xff\xff\xff"
    result = opened(grey(bytes(data), Options())).getexif()
    assert result[0x010F] == "Camera & Co"
    assert result.get_ifd(0x8769) == {}


def repeating(entries: int, size: int) -> bytes:
    """EXIF with an orientation, and a directory whose entries all claim the same bytes."""
    start = 8 + 2 + 2 * 12 + 4
    first = struct.pack("<HHHII", 2, 0x0112, 3, 1, 6) + struct.pack("<HHIII", 0x8769, 4, 1, start, 0)
    below = b"".join(struct.pack("<HHII", 40_000 + i, 7, size, 8) for i in range(entries))
    exif = b"II*\0" + struct.pack("<I", 8) + first + struct.pack("<H", entries) + below + bytes(4)
    return exif.ljust(size + 8, b"\0")


def test_entries_that_claim_the_same_bytes_again_and_again_are_left_out() -> None:
    """Else a small file would become a large one: 4096 times as large."""
    exif = repeating(300, 60_000)
    assert len(exif) < 1 << 16
    result = grey(jpeg(photo(64, 48), exif=b"Exif\0\0" + exif), Options(format=Format.TIFF))
    assert len(result) < MAX_EXIF_BYTES
    assert Image.open(io.BytesIO(result)).getexif()[0x0112] == 6
    once = grey(jpeg(photo(64, 48), exif=b"Exif\0\0" + repeating(3, 60_000)), Options(format=Format.TIFF))
    assert len(opened(once).getexif().get_ifd(0x8769)) == 3
    tags = {256: (4, [64]), 257: (4, [1]), 258: (3, [8]), 262: (3, [1])}
    data = built(tags | {34665: (4, [2 << 20])}, [bytes(64)]).ljust(2 << 20, b"\0")
    data += struct.pack("<H", 200) + b"".join(
        struct.pack("<HHII", 40_000 + i, 7, 1 << 20, 8) for i in range(200)
    )
    tiff = header.parse(memoryview(data))
    assert metadata.read(memoryview(data), tiff.directory).exif is None


@given(st.floats(1e-3, 2**32))
def test_any_resolution_has_a_place_in_a_tiff(x: float) -> None:
    fields = metadata.write(Metadata(density=Density(x, x, absolute=True)))
    (raw,) = (found.raw for found in fields.entries if found.tag == X_RESOLUTION)
    above, under = struct.unpack("<II", raw)
    assert above / under == pytest.approx(x * 0.0254, abs=1e-4, rel=1e-4)
