"""Damaged files of formats that only Pillow reads: a picture or a problem, and never the end of a process."""

from __future__ import annotations

import warnings

from hypothesis import given
from hypothesis import strategies as st
from support.fuzzing import damaged, value_or_problem
from support.images import LIMITS, encoded, image, jpeg, opened, photo
from support.metadata import exif

from shared.codecs.convert import Converted, grey_whole
from shared.codecs.formats import Format
from shared.options import Luma, Options

_FRAMES = [image(photo(40, 30)).rotate(angle) for angle in (0, 90, 180)]
_KINDS = ("WEBP", "GIF", "BMP", "AVIF")
_SEEDS = [
    *(encoded(_FRAMES[0], kind, exif=b"Exif\0\0" + exif("<"), comment=b"seed") for kind in _KINDS),
    *(
        encoded(_FRAMES[0], kind, save_all=True, append_images=_FRAMES[1:])
        for kind in ("WEBP", "GIF", "AVIF")
    ),
    encoded(image(photo(40, 30, 4)), "WEBP", lossless=True),
    encoded(_FRAMES[0].convert("CMYK"), "JPEG"),
    encoded(_FRAMES[0], "MPO", save_all=True, append_images=_FRAMES[1:]),
    jpeg(photo(40, 30), progressive=True),
]
OPTIONS = st.builds(Options, st.sampled_from([Format.PNG, Format.WEBP]), st.sampled_from(Luma))


@given(damaged(_SEEDS), OPTIONS)
def test_in_one_piece(data: bytes, options: Options) -> None:
    result = value_or_problem(lambda: grey_whole(memoryview(data), options, LIMITS))
    if isinstance(result, Converted):
        with warnings.catch_warnings(action="ignore"):  # Pillow's, of EXIF that was damaged with the rest
            assert opened(b"".join(result.pieces)).format == result.format.name
