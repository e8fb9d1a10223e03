"""Damaged TIFFs against every parser and kernel that meets them: a picture or a problem."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from support.fuzzing import damaged, value_or_problem
from support.images import LIMITS, encoded, grey, image, joined, photo
from support.metadata import read_tiff
from support.tiffs import TILES, by_libvips, by_tifffile, strips
from support.vips import decoded

from shared.codecs import headers
from shared.codecs.formats import Format
from shared.codecs.headers import ImageHeader
from shared.codecs.metadata import Metadata
from shared.codecs.tiff import merge, metadata, split
from shared.codecs.tiff.layout import Fields
from shared.options import Luma, Options
from shared.problems import Problem

_RGB, _ALPHA = photo(70, 50), photo(70, 50, 4)
_DEEP = _RGB.astype(np.uint16) * 257
_SEEDS = [
    strips(_RGB, 8),
    strips(_RGB, 50, big=True, order=">"),
    strips(_RGB, 8, planes=3),
    *(
        encoded(image(_RGB), "TIFF", compression=name, strip_size=70 * 3 * 8)
        for name in ("tiff_lzw", "packbits", "tiff_adobe_deflate", "jpeg")
    ),
    *(
        encoded(image(_RGB).convert("1"), "TIFF", compression=name, strip_size=9 * 8)
        for name in ("group3", "group4")
    ),
    by_libvips(_ALPHA, compression="deflate", predictor="horizontal", **TILES),
    by_libvips(_RGB, compression="jpeg", **TILES),
    by_libvips(_DEEP, compression="lzw", **TILES),
    by_tifffile(_DEEP, ">", photometric="rgb", compression="zlib", rowsperstrip=8, resolution=(300, 150)),
]
OPTIONS = st.builds(Options, st.sampled_from([Format.PNG, Format.TIFF]), st.sampled_from(Luma))


@given(damaged(_SEEDS), OPTIONS)
def test_in_one_piece(data: bytes, options: Options) -> None:
    result = value_or_problem(lambda: grey(data, options))
    if isinstance(result, bytes):
        header = headers.read(memoryview(data), LIMITS)
        assert decoded(result).shape[:2] == (header.height, header.width)


@given(damaged(_SEEDS), OPTIONS, st.integers(2, 9))
def test_by_stripes(data: bytes, options: Options, count: int) -> None:
    """Stripes that all decode, joined, are the picture; where one does not, the whole is asked for."""
    header = value_or_problem(lambda: headers.read(memoryview(data), LIMITS))
    if not isinstance(header, ImageHeader) or not isinstance(header.cuts, split.Cuts):
        return
    as_part = Options(Format.TIFF, options.luma, part=True)
    parts = []
    try:
        for stripe in split.stripes(memoryview(data), header.cuts, count):
            answer = grey(joined(stripe.pieces), as_part)
            parts.append(merge.part(memoryview(answer), header.width or 0, stripe.rows))
    except Problem:
        return
    merged = joined(merge.merge(parts, Fields()))
    assert np.array_equal(decoded(merged), decoded(grey(data, as_part)))


_STRIPE = grey(strips(photo(70, 48), 8), Options(Format.TIFF, part=True))


@given(damaged([_STRIPE]))
def test_answers_of_workers(data: bytes) -> None:
    found = value_or_problem(lambda: merge.part(memoryview(data), 70, 48))
    if isinstance(found, merge.TiffPart):
        merge.merge([found, found], Fields())


@given(damaged(_SEEDS))
def test_metadata(data: bytes) -> None:
    found = value_or_problem(lambda: read_tiff(data))
    if isinstance(found, Metadata):
        metadata.write(found)
