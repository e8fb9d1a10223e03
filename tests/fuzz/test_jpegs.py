"""Damaged JPEGs against every parser and kernel that meets them: a picture or a problem."""

from __future__ import annotations

import warnings

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from support.fuzzing import damaged, from_corpus, value_or_problem
from support.images import LIMITS, grey, jpeg, photo, pixels

from shared.codecs import headers
from shared.codecs.formats import Format
from shared.codecs.headers import ImageHeader
from shared.codecs.jpeg import markers, merge, metadata, split
from shared.codecs.jpeg.scan import UncleanScanError
from shared.codecs.stripes import Stripe
from shared.options import Luma, Options
from shared.problems import Problem

_SEEDS = [
    jpeg(photo(70, 50), restart_marker_rows=1),
    jpeg(photo(70, 50), subsampling="4:2:0", optimize=True),
    jpeg(photo(70, 50), subsampling="4:4:4", restart_marker_blocks=3),
    jpeg(photo(70, 50, 1)),
    jpeg(photo(70, 50), progressive=True, dpi=(300, 300), comment=b"seed"),
    *from_corpus("jpeg/*.jpg"),
]
OPTIONS = st.builds(
    Options, st.sampled_from([Format.PNG, Format.JPEG]), st.sampled_from([Luma.BT601, Luma.LINEAR])
)


@given(damaged(_SEEDS), OPTIONS)
def test_in_one_piece(data: bytes, options: Options) -> None:
    result = value_or_problem(lambda: grey(data, options))
    if isinstance(result, bytes):
        header = headers.read(memoryview(data), LIMITS)
        with warnings.catch_warnings(action="ignore"):  # Pillow's, of EXIF that was damaged with the rest
            assert pixels(result).shape[:2] == (header.height, header.width)


@given(damaged(_SEEDS), OPTIONS, st.integers(2, 9))
def test_by_stripes(data: bytes, options: Options, count: int) -> None:
    """Stripes that all decode are the picture; where one does not, the whole is asked for."""
    header = value_or_problem(lambda: headers.read(memoryview(data), LIMITS))
    if not isinstance(header, ImageHeader) or not isinstance(header.cuts, split.Cuts):
        return
    try:
        rows = [grey_rows(stripe, options.luma) for stripe in stripes(data, header.cuts, count, options)]
    except (Problem, UncleanScanError):
        return
    whole = pixels(grey(data, Options(Format.PNG, options.luma)))
    assert np.array_equal(np.concatenate(rows), whole)


def stripes(data: bytes, cuts: split.Cuts, count: int, options: Options) -> list[Stripe]:
    halo = options.luma is not Luma.BT601 and split.needs_halo(cuts.jpeg)
    return list(split.stripes(memoryview(data), cuts, count, halo=halo))


def grey_rows(stripe: Stripe, luma: Luma) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    options = Options(Format.PNG, luma, rows=stripe.crop, part=True)
    return pixels(grey(b"".join(stripe.pieces), options))


_GREY = grey(_SEEDS[0], Options(Format.JPEG))


@given(damaged([_GREY]))
def test_answers_of_workers(data: bytes) -> None:
    found = value_or_problem(lambda: merge.part(memoryview(bytearray(data)), 70, 50))
    if isinstance(found, merge.JpegPart):
        merge.merge([found, found])


@given(damaged(_SEEDS))
def test_metadata(data: bytes) -> None:
    header = value_or_problem(lambda: markers.parse(memoryview(data)))
    if isinstance(header, markers.JpegHeader):
        metadata.write(metadata.read(header))
