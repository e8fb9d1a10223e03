"""Files that carry metadata, and what readers that are not ours find in files."""

from __future__ import annotations

import json
import os
import struct
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeAlias

from PIL import Image
from support.images import encoded

from shared.codecs.jpeg import markers, split
from shared.codecs.jpeg import metadata as jpeg_metadata
from shared.codecs.limits import Limits
from shared.codecs.luma import formula
from shared.codecs.metadata import Metadata
from shared.codecs.png import chunks
from shared.codecs.png import metadata as png_metadata
from shared.codecs.tiff import header as tiff_header
from shared.codecs.tiff import metadata as tiff_metadata
from shared.options import Luma

ORDERS = {"<": b"II*\0", ">": b"MM\0*"}
"""Byte orders as `struct` has them, and the TIFF header that names them."""
ORIENTATION = 0x0112
THUMBNAIL = bytes(range(1, 200))
XMP = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF/></x:xmpmeta>'
SHORT, LONG = 3, 4
EXIFTOOL = os.environ.get("GRISAILLE_EXIFTOOL", "exiftool")
"""Phil Harvey's reader of everything (Debian: libimage-exiftool-perl)."""

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
    file = encoded(Image.linear_gradient("L"), "JPEG")
    view = memoryview(file)
    header = markers.parse(view)
    head = split.rebuilt_header(
        header, height=header.height, restart_interval=0, applications=jpeg_metadata.write(metadata)
    )
    return head + view[header.ecs_start :]


def png_with(metadata: Metadata) -> bytes:
    """A grey PNG of Pillow's with our chunks behind its IHDR."""
    return with_chunks(encoded(Image.linear_gradient("L"), "PNG"), png_metadata.write(metadata))


def with_chunks(png: bytes, inserted: bytes) -> bytes:
    """A PNG with whole chunks behind its IHDR."""
    behind_ihdr = 8 + 25
    return png[:behind_ihdr] + inserted + png[behind_ihdr:]


def with_segments(jpeg: bytes, *inserted: tuple[int, bytes]) -> bytes:
    """A JPEG with segments, marker and payload, behind its SOI."""
    return jpeg[:2] + b"".join(split.segment(*pair) for pair in inserted) + jpeg[2:]


def read_jpeg(data: bytes) -> Metadata:
    return jpeg_metadata.read(markers.parse(memoryview(data)))


def read_png(data: bytes) -> Metadata:
    png = chunks.parse(memoryview(data))
    return png_metadata.read(png, formula(Luma.BT601), png_metadata.profile(png, Limits()))


def read_tiff(data: bytes) -> Metadata:
    return tiff_metadata.read(memoryview(data), tiff_header.parse(memoryview(data)).directory)


def by_pillow(kind: str, **extra: object) -> bytes:
    """A small file in colour that Pillow wrote with this metadata."""
    return encoded(Image.new("RGB", (8, 8), (200, 30, 60)), kind, **extra)


def chunks_of(png: bytes) -> dict[bytes, bytes]:
    """The ancillary chunks by type; each type may occur once."""
    found = chunks.parse(memoryview(png)).ancillary
    assert len({chunk.type for chunk in found}) == len(found)
    return {chunk.type: bytes(chunk.data) for chunk in found}


def by_exiftool(*files: Path) -> list[Mapping[str, Any]]:
    """All tags of files as ExifTool reads them, by group and name, with numbers for values."""
    command = [EXIFTOOL, "-json", "-groupNames1", "-duplicates", "-n", "-b", *map(str, files)]
    ran = subprocess.run(command, capture_output=True, check=False)
    read: list[Mapping[str, Any]] = json.loads(ran.stdout)
    assert len(read) == len(files)
    return read
