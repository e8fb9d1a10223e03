"""An XMP packet keeps all but what describes or holds pictures that are gone."""

from __future__ import annotations

import re
import time
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.metadata import XMP, by_pillow, png_with, read_jpeg, read_png

from shared.codecs.metadata import Metadata
from shared.codecs.xmp import MAX_PACKET_BYTES, plain_packet

PACKET = """<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:xmp="http://ns.adobe.com/xap/1.0/"
 xmlns:hdrgm="http://ns.adobe.com/hdr-gain-map/1.0/" xmlns:xmpNote="http://ns.adobe.com/xmp/note/"
 xmlns:Container="http://ns.google.com/photos/1.0/container/" xmlns:xmpGImg="http://ns.adobe.com/xap/1.0/g/img/"
 xmlns:Item="http://ns.google.com/photos/1.0/container/item/" xmlns:GCamera="http://ns.google.com/photos/1.0/camera/"
 xmp:Rating="5"%s><dc:creator><rdf:Seq><rdf:li>Jo</rdf:li></rdf:Seq></dc:creator>%s</rdf:Description>
</rdf:RDF></x:xmpmeta><?xpacket end="w"?>"""
ATTRIBUTES = [
    " hdrgm:Version=\"1.0\" hdrgm:GainMapMin='-0.5'",
    '\n  hdrgm:Version = "1.0"',
    ' xmpNote:HasExtendedXMP="18AC0B6D96A83A7066059E016278C9C8"',
    ' GCamera:MotionPhoto="1" GCamera:MotionPhotoPresentationTimestampUs="-1"',
    ' GCamera:MicroVideo="1" GCamera:MicroVideoOffset="12345"',
]
ELEMENTS = [
    "<hdrgm:Version>1.0</hdrgm:Version>",
    "<hdrgm:GainMapMax><rdf:Seq><rdf:li>1</rdf:li><rdf:li>2</rdf:li></rdf:Seq></hdrgm:GainMapMax>",
    '<hdrgm:OffsetSDR rdf:resource="x"/>',
    """<Container:Directory><rdf:Seq><rdf:li rdf:parseType="Resource"><Container:Item Item:Mime="image/jpeg"
      Item:Semantic="GainMap" Item:Length="7817"/></rdf:li></rdf:Seq></Container:Directory>""",
    """<xmp:Thumbnails><rdf:Alt><rdf:li rdf:parseType="Resource"><xmpGImg:format>JPEG</xmpGImg:format>
      <xmpGImg:image>/9j/4AAQ</xmpGImg:image></rdf:li></rdf:Alt></xmp:Thumbnails>""",
    "<xmpNote:HasExtendedXMP>18AC0B6D96A83A7066059E016278C9C8</xmpNote:HasExtendedXMP>",
]


def packet(attributes: str = "", elements: str = "") -> bytes:
    return (PACKET % (attributes, elements)).encode()


@pytest.mark.parametrize("attributes", ["", *ATTRIBUTES])
@pytest.mark.parametrize("elements", ["", *ELEMENTS, "".join(ELEMENTS)])
def test_what_describes_pictures_that_are_gone_goes_and_all_else_stays_byte_for_byte(
    attributes: str, elements: str
) -> None:
    kept = plain_packet(packet(attributes, elements))
    assert kept is not None
    assert re.sub(rb'5"\s*>', b'5">', kept) == packet()
    ET.fromstring(kept.decode())


def test_other_properties_of_the_same_names_stay() -> None:
    mine = packet(' GCamera:SpecialTypeID="x"', "<xmp:ThumbnailsNot>1</xmp:ThumbnailsNot>")
    assert plain_packet(mine) == mine
    assert plain_packet(XMP) == XMP


@pytest.mark.parametrize(
    "odd",
    [
        packet(elements="<hdrgm:Version>1.0"),
        packet(elements="<hdrgm:Version>1.0</hdrgm:Version >"),
        packet(" hdrgm:Version=1.0"),
        packet(' xmlns:g="http://ns.adobe.com/hdr-gain-map/1.0/" g:Version="1.0"'),
        XMP.ljust(MAX_PACKET_BYTES + 1),
    ],
)
def test_a_packet_that_cannot_be_relieved_of_them_goes(odd: bytes) -> None:
    assert plain_packet(odd) is None


@given(
    st.lists(
        st.sampled_from(
            ["<hdrgm:a", "</hdrgm:a>", "/>", ">", " hdrgm:b='", '"', "'", "<xmp:Thumbnails>", " ", "="]
        )
    ).map("".join)
)
def test_no_packet_comes_out_with_a_gain_map(junk: str) -> None:
    kept = plain_packet(junk.encode())
    assert kept is None or b"hdrgm:" not in kept


@pytest.mark.parametrize(
    "piece", ["<hdrgm:a>", " hdrgm:a=", " hdrgm:a='", " ", "<xmp:Thumbnails/>", "<hdrgm:a"]
)
def test_time_grows_with_the_packet_and_no_faster(piece: str) -> None:
    hostile = piece.encode() * (MAX_PACKET_BYTES // len(piece))
    started = time.process_time()
    plain_packet(hostile)
    assert time.process_time() - started < 5


def test_both_formats_read_it_without() -> None:
    gain_map = packet(ATTRIBUTES[0], ELEMENTS[3])
    assert read_jpeg(by_pillow("JPEG", xmp=gain_map)).xmp == packet()
    assert read_png(png_with(Metadata(xmp=gain_map))).xmp == packet()
