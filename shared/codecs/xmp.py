"""XMP of a grey picture: its own packet without what describes or holds pictures that are gone.

The packet is edited as text, so that all else stays byte for byte, in steps whose time grows with its length
alone (XMP part 1; hdrgm: Ultra HDR 1.1; Container, GCamera: Google's specification of motion photos).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

MAX_PACKET_BYTES = 1 << 22
"""A longer packet is left out; most take a few kilobytes."""

_GONE = (
    rb"(?:hdrgm|HDRGainMap|GImage|GDepth):[\w.-]+"
    rb"|(?:Container|GContainer):Directory"
    rb"|GCamera:(?:MicroVideo|MotionPhoto)\w*"
    rb"|(?:xmp|xap):Thumbnails"
    rb"|xmpNote:HasExtendedXMP"
)
"""Properties of gain maps, depth maps, videos and originals behind the picture or in the extended packet;
thumbnails; and the mention of that packet, which does not stay (part 3 section 1.1.3.1)."""
_ATTRIBUTE = re.compile(rb"\s(?:" + _GONE + rb")\s*=\s*(?:\"[^\"]*\"|'[^']*')")
_ELEMENT = re.compile(rb"<(" + _GONE + rb")(?=[\s/>])")
_LEFT_OVER = re.compile(
    rb"(?:hdrgm|HDRGainMap):|xmlns:(?!hdrgm\b)[\w.-]+\s*=\s*[\"']http://ns\.adobe\.com/hdr-gain-map/"
)
"""A gain map in a notation that the two above do not know."""


def plain_packet(xmp: bytes) -> bytes | None:
    """The packet without those properties; None where they cannot be taken out, or it is too long."""
    if len(xmp) > MAX_PACKET_BYTES:
        return None
    try:
        kept = b"".join(_outside_elements(_ATTRIBUTE.sub(b"", xmp)))
    except _UnclosedError:
        return None
    return None if _LEFT_OVER.search(kept) else kept


class _UnclosedError(Exception):
    """An element without an end."""


def _outside_elements(xmp: bytes) -> Iterator[bytes]:
    """What is not inside one of the elements that go."""
    place = 0
    while found := _ELEMENT.search(xmp, place):
        yield xmp[place : found.start()]
        place = _end_of_element(xmp, found)
    yield xmp[place:]


def _end_of_element(xmp: bytes, opening: re.Match[bytes]) -> int:
    tag_end = xmp.find(b">", opening.end())
    if tag_end >= 0 and xmp[tag_end - 1 : tag_end] == b"/":
        return tag_end + 1
    closing = b"</" + opening[1] + b">"
    end = xmp.find(closing, tag_end)
    if tag_end < 0 or end < 0:
        raise _UnclosedError
    return end + len(closing)
