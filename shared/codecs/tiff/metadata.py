"""Metadata in TIFF tags (TIFF 6.0 section 8; Exif 2.3 section 4.6; XMP part 3; ICC.1 B.3).

A file's descriptive tags and its Exif and GPS directories are what other formats call EXIF, which is a TIFF
structure itself. Tags that say how pixels are stored, or where other pictures are, stay behind.
"""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction

from shared.codecs.exif import MAX_EXIF_BYTES
from shared.codecs.metadata import Density, Metadata, without_colour
from shared.codecs.tiff import types
from shared.codecs.tiff.ifd import Directory, directory_at, first_directory
from shared.codecs.tiff.layout import ORDER, Fields
from shared.codecs.tiff.types import BIG_ONLY, BYTE, RATIONAL, SHORT, UNDEFINED, Entry, Order, entry
from shared.codecs.tiff.write import head
from shared.problems import Unprocessable

_DESCRIPTIVE = {
    *(274, 270, 271, 272),  # Orientation, ImageDescription, Make, Model
    *(305, 306, 315, 316, 33432),  # Software, DateTime, Artist, HostComputer, Copyright
    *(269, 285),  # DocumentName, PageName
    *(18246, 18249, *range(40091, 40096)),  # what Windows adds: ratings, XPTitle to XPSubject
    *(34864, *range(42032, 42038), 50736),  # SensitivityType, owner, serial numbers and lens
}
_BELOW = (types.EXIF_IFD, types.GPS_IFD)
_POINTERS = {*_BELOW, 330, 40965}
"""Entries that hold an offset: SubIFDs and the interoperability directory are not followed."""
_METRE = {2: 1 / 0.0254, 3: 100.0}
"""Resolution units (2 inch, 3 cm) to pixels per metre; 1 is an aspect ratio."""
_LARGEST = 2**32 - 1


def read(data: memoryview, directory: Directory) -> Metadata:
    """The metadata of a TIFF file's first picture."""
    entries, below = _descriptive(data, directory)
    return without_colour(
        Metadata(
            exif=head(entries, directory.order, below=below) if entries or below else None,
            xmp=directory.raw(types.XMP),
            density=_density(directory),
            icc=directory.raw(types.ICC_PROFILE),
            photoshop=directory.raw(types.PHOTOSHOP),
        )
    )


def _descriptive(data: memoryview, directory: Directory) -> tuple[list[Entry], dict[int, list[Entry]]]:
    """Entries of EXIF and of the directories below it; none if they are too much together.

    Values may lie over each other: a small file has room for any number of large ones.
    """
    below = {}
    for tag in _BELOW:
        offset = directory.number(tag, 0)
        try:
            inner = _plain(directory_at(data, offset).entries.values()) if offset else []
        except Unprocessable:
            inner = []
        if inner:
            below[tag] = inner
    return _plain(found for found in directory.entries.values() if found.tag in _DESCRIPTIVE), below


def _plain(entries: Iterable[Entry]) -> list[Entry]:
    """Entries that mean the same in another file: neither pointers nor of BigTIFF's types.

    None, if together they are longer than EXIF may be: each may claim the same bytes of the file.
    """
    plain = [found for found in entries if found.tag not in _POINTERS and found.kind not in BIG_ONLY]
    return plain if sum(len(found.raw) for found in plain) <= MAX_EXIF_BYTES else []


def _density(directory: Directory) -> Density | None:
    x, y = (_fraction(directory, tag) for tag in (types.X_RESOLUTION, types.Y_RESOLUTION))
    unit = directory.number(types.RESOLUTION_UNIT, 2)
    if not x or not y or (unit not in _METRE and x == y):
        return None
    scale = _METRE.get(unit, 1.0)
    return Density(x * scale, y * scale, absolute=unit in _METRE)


def _fraction(directory: Directory, tag: int) -> float:
    """A RATIONAL, or 0."""
    found = directory.entries.get(tag)
    if found is None or found.kind != RATIONAL:
        return 0.0
    above, under = (int.from_bytes(found.raw[i : i + 4], directory.order) for i in (0, 4))
    return above / under if under else 0.0


def write(metadata: Metadata) -> Fields:
    """Entries for the directory of a TIFF of ours; EXIF that cannot be followed is left out."""
    entries: list[Entry] = []
    below: dict[int, list[Entry]] = {}
    density = metadata.density
    if metadata.exif and (directory := _first(metadata.exif)):
        found, inner = _descriptive(memoryview(metadata.exif), directory)
        entries = _in_order(found, directory.order)
        below = {tag: _in_order(found, directory.order) for tag, found in inner.items()}
        density = density or _density(directory)
    if metadata.xmp:
        entries.append(Entry(types.XMP, BYTE, metadata.xmp))
    if metadata.icc:
        entries.append(Entry(types.ICC_PROFILE, UNDEFINED, metadata.icc))
    if metadata.photoshop:
        entries.append(Entry(types.PHOTOSHOP, UNDEFINED, metadata.photoshop))
    if density:
        entries += _resolution(density)
    return Fields(entries, below)


def _first(exif: bytes) -> Directory | None:
    try:
        return first_directory(memoryview(exif))
    except Unprocessable:
        return None


def _in_order(entries: list[Entry], order: Order) -> list[Entry]:
    return entries if order == ORDER else [found.swapped() for found in entries]


def _resolution(density: Density) -> list[Entry]:
    unit, scale = (2, _METRE[2]) if density.absolute else (1, 1.0)
    return [
        Entry(types.X_RESOLUTION, RATIONAL, _rational(density.x / scale)),
        Entry(types.Y_RESOLUTION, RATIONAL, _rational(density.y / scale)),
        entry(types.RESOLUTION_UNIT, SHORT, [unit], ORDER),
    ]


def _rational(value: float) -> bytes:
    value = min(value, _LARGEST)
    exact = Fraction(value).limit_denominator(int(min(10_000, _LARGEST // max(value, 1))))
    return b"".join(n.to_bytes(4, ORDER) for n in (exact.numerator, exact.denominator))
