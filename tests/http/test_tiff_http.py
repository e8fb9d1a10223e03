"""TIFFs on the running service: cut between strips, joined, and judged when damaged."""

from __future__ import annotations

import struct
from functools import cache

import numpy as np
import pytest
from PIL import Image, ImageCms
from PIL.TiffImagePlugin import IFDRational
from support.damage import flipped, verdict
from support.images import encoded, grey, image, jpeg, luma_plane, opened, photo, pixels
from support.metadata import read_jpeg, read_png, read_tiff
from support.service import Service, plan
from support.tiffs import HEIGHT, TILES, WIDTH, by_libvips, by_tifffile, cuts_of, deep, strips
from support.vips import decoded, differ

from shared.codecs.formats import Format
from shared.options import Keep, Options

PICTURE = photo(WIDTH, HEIGHT)
COUNTS = (1, 2, 3, 7)
WRITTEN = (Format.PNG, Format.JPEG, Format.TIFF)


@cache
def files() -> dict[str, bytes]:
    """Of at least seven units each."""
    return {
        "LZW": encoded(image(PICTURE), "TIFF", compression="tiff_lzw", strip_size=WIDTH * 3 * 16),
        "one strip": strips(PICTURE, HEIGHT),
        "planes": strips(PICTURE, 16, planes=3, order=">"),
        "BigTIFF": strips(PICTURE, 8, big=True),
        "JPEG in tiles": by_libvips(PICTURE, compression="jpeg", **TILES),
        "alpha": by_libvips(photo(WIDTH, HEIGHT, 4), compression="packbits", **TILES),
        "16 bits": by_tifffile(deep(3), ">", photometric="rgb", compression="zlib", rowsperstrip=16),
        "16 bits in planes": by_tifffile(
            np.moveaxis(deep(3), 2, 0), photometric="rgb", planarconfig="separate", rowsperstrip=8
        ),
        "16 bits with alpha": by_libvips(deep(4), compression="deflate", predictor="horizontal", **TILES),
        "16 bits of grey in a BigTIFF": by_libvips(deep(1), compression="lzw", bigtiff=True, **TILES),
    }


def expected_plan(count: int) -> tuple[str, int]:
    return ("stripes", count) if count > 1 else ("whole", 1)


@pytest.mark.parametrize("written", WRITTEN)
@pytest.mark.parametrize("name", files())
def test_every_number_of_stripes_gives_the_pixels_of_one(
    service: Service, name: str, written: Format
) -> None:
    wanted = decoded(grey(files()[name], Options(format=written)))
    for count in COUNTS:
        answer = service.convert(files()[name], stripes=count, format=written.value)
        assert plan(answer) == expected_plan(count)
        assert differ(decoded(answer.content), wanted) == 0


def test_jpegs_become_tiffs_by_stripes(service: Service) -> None:
    data = jpeg(photo(403, 603), dpi=(300, 150))
    for count in COUNTS:
        answer = service.convert(data, stripes=count, format="tiff")
        assert plan(answer) == expected_plan(count)
        assert np.array_equal(pixels(answer.content), luma_plane(data))
        assert opened(answer.content).info["dpi"] == (300, 150)


def described() -> bytes:
    """A file with all the metadata that a TIFF can have."""
    tags = Image.Exif()
    tags[0x0112] = 6
    tags[0x010F] = "Camera & Co"
    tags[0x8769] = {0x829A: IFDRational(1, 200), 0x9000: b"0230"}
    tags[700] = b"<x:xmpmeta xmlns:x='adobe:ns:meta/'>hello</x:xmpmeta>"
    tags[34377] = b"8BIM\x04\x04\0\0" + struct.pack(">I", 8) + b"\x1c\x02\x78\0\x03abc"
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    return encoded(
        image(PICTURE),
        "TIFF",
        exif=tags.tobytes(),
        icc_profile=profile,
        dpi=(300, 150),
        strip_size=WIDTH * 3 * 16,
    )


READERS = {Format.PNG: read_png, Format.JPEG: read_jpeg, Format.TIFF: read_tiff}


@pytest.mark.parametrize("metadata", Keep)
@pytest.mark.parametrize("written", WRITTEN)
def test_metadata_of_stripes_is_that_of_the_whole(service: Service, metadata: Keep, written: Format) -> None:
    wanted = READERS[written](grey(described(), Options(format=written, metadata=metadata)))
    assert all([wanted.exif, wanted.xmp, wanted.density]) == (metadata is Keep.KEEP)
    assert bool(wanted.photoshop) == (metadata is Keep.KEEP and written is not Format.PNG)
    for count in COUNTS:
        answer = service.convert(described(), stripes=count, format=written.value, metadata=metadata.value)
        assert plan(answer) == expected_plan(count)
        assert READERS[written](answer.content) == wanted


RAW = strips(PICTURE, 16)
START = struct.unpack_from("<I", RAW, 4)[0]
ENTRIES = {
    struct.unpack_from("<H", RAW, at)[0]: at for at in range(START + 2, START + 2 + 12 * RAW[START], 12)
}
"""Offsets in `RAW` of the entries of its directory, by tag."""


def with_number(at: int, number: int) -> bytes:
    """`RAW` with four bytes overwritten."""
    return RAW[:at] + number.to_bytes(4, "little") + RAW[at + 4 :]


def overlapping() -> bytes:
    """`RAW` with two strips in one place."""
    values = struct.unpack_from("<I", RAW, ENTRIES[273] + 8)[0]
    return with_number(values, struct.unpack_from("<I", RAW, values + 4)[0])


LIES = {
    "a directory that is not there": with_number(4, len(RAW)),
    "a directory of many entries": RAW[:START] + b"\xff\xff" + RAW[START + 2 :],
    "more strips than bytes": with_number(ENTRIES[273] + 4, 0xFFFF_FFFF),
    "fewer sizes than strips": with_number(ENTRIES[279] + 4, 3),
    "no rows in a strip": with_number(ENTRIES[278] + 8, 0),
    "four milliards of columns": with_number(ENTRIES[256] + 8, 0xFFFF_FFFF),
    "more rows than strips": with_number(ENTRIES[257] + 8, HEIGHT + 16),
    "strips in one place": overlapping(),
    "65535 samples": with_number(ENTRIES[277] + 8, 0xFFFF),
}


@pytest.mark.parametrize("name", LIES)
def test_lies_are_refused(service: Service, name: str) -> None:
    assert verdict(service, LIES[name], COUNTS) in {415, 422}


def test_a_chain_of_directories_that_is_a_loop_costs_nothing(service: Service) -> None:
    loop = with_number(START + 2 + 12 * len(ENTRIES), START)
    assert verdict(service, loop, COUNTS) == 200
    below = loop.replace(struct.pack("<H", 284), struct.pack("<H", 34665), 1)  # its own Exif directory
    assert verdict(service, below, COUNTS) == 200


@pytest.mark.parametrize("name", files())
def test_damage_gets_one_verdict_however_the_file_is_cut(service: Service, name: str) -> None:
    data = files()[name]
    for seed in range(6):
        verdict(service, flipped(data, seed), COUNTS)
    for part in range(1, 8, 2):
        verdict(service, data[: len(data) * part // 8], COUNTS)


@pytest.mark.parametrize("name", files())
def test_a_file_without_the_end_of_its_last_strip_is_refused(service: Service, name: str) -> None:
    where = cuts_of(files()[name])
    end = int((where.offsets + where.sizes).max())
    assert verdict(service, files()[name][: end - 1], COUNTS) == 422
