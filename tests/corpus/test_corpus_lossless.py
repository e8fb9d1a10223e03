"""Lossless grey of every plain JPEG made by others: jpegtran's coefficients, however often it is cut."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from support.images import LIMITS, joined
from support.jpegs import by_stripes, coefficients, header_of

from shared.codecs import convert
from shared.codecs.formats import Format
from shared.codecs.jpeg import split
from shared.options import Options

GOLDEN = dict(line.split() for line in (Path(__file__).parent / "golden.txt").read_text().splitlines())
JPEGS = [name for name, verdict in GOLDEN.items() if not name.endswith(".png") and verdict == "right"]
JUNK_BETWEEN_SEGMENTS = {
    "jpeg/jpeg_ff00_header.jpg",
    "jpeg/junk_jpeg_header.jpg",
    "jpeg/truncated_app14.jpg",
}
"""Files that jpegtran warns of; it must not warn of what is made of them."""
COUNTS = (1, 2, 3, 8, 32)


def cuts(data: bytes) -> split.Cuts | None:
    return split.find_cuts(memoryview(data), header_of(data))


def test_the_corpus_has_files_of_all_kinds(corpus: Path) -> None:
    found = (cuts((corpus / name).read_bytes()) for name in JPEGS)
    kinds = Counter(None if where is None else where.needs_scan for where in found)
    assert kinds[True] >= 20  # cut by a scan, or never at all
    assert kinds[False] >= 7  # cut at restart markers
    assert kinds[None] >= 3  # not plain


@pytest.mark.parametrize("name", JPEGS)
def test_coefficients_are_those_that_jpegtran_keeps(corpus: Path, name: str) -> None:
    data = (corpus / name).read_bytes()
    converted = convert.grey(memoryview(data), Options(format=Format.JPEG), LIMITS)
    if cuts(data) is None:
        assert converted.notes == ("requantised",)
        return
    assert converted.notes == ()
    whole = joined(converted.pieces)
    kept = coefficients(data, "-grayscale", warned=name in JUNK_BETWEEN_SEGMENTS)
    assert coefficients(whole) == kept
    for count in COUNTS:
        assert by_stripes(data, count, Format.JPEG) == whole, count
