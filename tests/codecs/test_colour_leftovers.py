"""What phones and Photoshop put beside a picture is not in its grey one, in any format."""

from __future__ import annotations

import struct

import pytest
from PIL import Image
from support.images import encoded, grey, jpeg, opened, photo
from support.metadata import ORIENTATION, THUMBNAIL, by_pillow, exif, read_jpeg, with_segments

from shared.codecs.formats import Format
from shared.codecs.jpeg.markers import APP0, APP1, APP2, APP13
from shared.options import Keep, Options

PREVIEW = jpeg(photo(40, 30))
IPTC = b"8BIM\4\4\0\0" + struct.pack(">I", 7) + b"\x1c\x02\x78\0\2Hi" + b"\0"
GAIN_MAP = b'<x:xmpmeta xmlns:x="adobe:ns:meta/" hdrgm:Version="1.0" xmp:Rating="5"/>'
BESIDE = [
    (APP0, b"JFXX\0\x10" + PREVIEW),
    (APP1, b"Exif\0\0" + exif("<")),
    (APP1, b"http://ns.adobe.com/xap/1.0/\0" + GAIN_MAP),
    (APP1, b"http://ns.adobe.com/xmp/extension/\0" + b"0" * 32 + bytes(8) + PREVIEW),
    (APP2, b"MPF\0II*\0" + bytes(80)),
    (APP2, b"urn:iso:std:iso:ts:21496:-1\0" + bytes(4)),
    (
        APP13,
        b"Photoshop 3.0\x008BIM\4\x0c\0\0"
        + struct.pack(">I", len(PREVIEW))
        + PREVIEW
        + bytes(len(PREVIEW) % 2),
    ),
    (APP13, b"Photoshop 3.0\0" + IPTC),
]
PHONE = with_segments(jpeg(photo(64, 48)), *BESIDE) + PREVIEW
"""With all of it, and a second picture behind the first."""
LEFTOVERS = [PREVIEW[:200], THUMBNAIL, b"hdrgm", b"MPF\0", b"21496", b"JFXX", b"xmp/extension", b"8BIM\4\x0c"]


@pytest.mark.parametrize("quality", [None, 80])
@pytest.mark.parametrize("written", [Format.JPEG, Format.PNG, Format.WEBP])
def test_nothing_of_it_is_left(written: Format, quality: int | None) -> None:
    result = grey(PHONE, Options(format=written, quality=quality))
    assert [leftover for leftover in LEFTOVERS if leftover in result] == []
    assert exif("<", bytes(len(THUMBNAIL)), linked=False) in result
    assert b'xmp:Rating="5"' in result
    assert (IPTC in result) == (written is Format.JPEG)


@pytest.mark.parametrize("written", [Format.JPEG, Format.PNG, Format.WEBP])
def test_nothing_at_all_is_left_where_that_was_asked_for(written: Format) -> None:
    plain, options = jpeg(photo(64, 48)), Options(format=written, metadata=Keep.STRIP)
    assert grey(PHONE, options) == grey(plain, options)


def test_a_comment_of_a_gif_is_a_text() -> None:
    gif = encoded(Image.new("P", (8, 8)), "GIF", comment=b"made by hand")
    assert read_jpeg(grey(gif, Options(format=Format.JPEG))).texts[0].stored == b"made by hand"


@pytest.mark.parametrize("kind", ["WEBP", "AVIF", "PNG"])
def test_orientation_of_other_formats_stays_a_tag(kind: str) -> None:
    turned = by_pillow(kind, exif=b"Exif\0\0" + exif("<", linked=False))
    for written in (Format.JPEG, Format.PNG, Format.WEBP):
        assert opened(grey(turned, Options(format=written))).getexif()[ORIENTATION] == 6
