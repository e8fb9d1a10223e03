"""Damaged PNGs, their checksums right or wrong: a picture or a problem."""

from __future__ import annotations

import zlib

from hypothesis import given
from hypothesis import strategies as st
from support.fuzzing import damaged, from_corpus, value_or_problem
from support.images import LIMITS, grey
from support.pngs import DEPTHS, any_kind
from support.vips import decoded

from shared.codecs import headers
from shared.codecs.formats import Format
from shared.codecs.png import merge
from shared.options import Luma, Options

_SEEDS = [
    any_kind(37, 21, colour, depth, interlaced=interlaced, transparent=True)
    for colour, depths in DEPTHS.items()
    for depth in depths
    for interlaced in (False, True)
] + from_corpus("pngsuite/*.png")


def mended(data: bytes) -> bytes:
    """The file with the CRC of every chunk made right, so that what is in the chunks is looked at."""
    out, offset = bytearray(data[:8]), 8
    while offset + 12 <= len(data):
        size = int.from_bytes(data[offset : offset + 4], "big")
        body = data[offset + 4 : offset + 8 + size]
        out += data[offset : offset + 4] + body + zlib.crc32(body).to_bytes(4, "big")
        offset += 12 + size
    return bytes(out)


@given(damaged(_SEEDS), st.booleans(), st.sampled_from([Format.PNG, Format.JPEG]), st.sampled_from(Luma))
def test_in_one_piece(data: bytes, mend: bool, written: Format, luma: Luma) -> None:  # noqa: FBT001 - drawn
    data = mended(data) if mend else data
    result = value_or_problem(lambda: grey(data, Options(written, luma)))
    if isinstance(result, bytes):
        header = headers.read(memoryview(data), LIMITS)
        assert decoded(result).shape[:2] == (header.height, header.width)


_STRIPE = grey(_SEEDS[0], Options(Format.PNG, part=True))


@given(damaged([_STRIPE]), st.booleans())
def test_answers_of_workers(data: bytes, mend: bool) -> None:  # noqa: FBT001 - drawn
    data = mended(data) if mend else data
    found = value_or_problem(lambda: merge.part(memoryview(data), 37, 21))
    if isinstance(found, merge.PngPart):
        merge.merge([found, found])
