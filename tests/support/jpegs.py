"""JPEGs of many encoders, cut into stripes, and what decoders and `jpegtran` make of them."""

from __future__ import annotations

import os
import subprocess
import warnings
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import TypeAlias

import numpy as np
import pyvips
import simplejpeg
from support.images import LIMITS, Pixels, joined, jpeg, opened

from shared.codecs import convert
from shared.codecs.formats import Format
from shared.codecs.jpeg import markers, split
from shared.codecs.jpeg import merge as jpeg_merge
from shared.codecs.jpeg import metadata as jpeg_metadata
from shared.codecs.png import merge as png_merge
from shared.codecs.png import metadata as png_metadata
from shared.codecs.stripes import Stripe
from shared.options import Luma, Options

Maker: TypeAlias = Callable[[int, int], Pixels]
"""Pixels of a width and a height."""
Writer: TypeAlias = Callable[[Pixels, int], bytes]
"""RGB pixels and a quality to a JPEG."""
JPEGTRAN = os.environ.get("GRISAILLE_JPEGTRAN", "jpegtran")
"""libjpeg-turbo's own lossless transcoder (Debian: libjpeg-turbo-progs)."""
_SIXTEEN_BITS = b"Caution: quantization tables are too coarse for baseline JPEG\n"


def _vips(pixels: Pixels, quality: int, **save: object) -> bytes:
    written: bytes = pyvips.Image.new_from_array(pixels).jpegsave_buffer(Q=quality, **save)
    return written


def _mozjpeg(pixels: Pixels, quality: int, sampling: str) -> bytes:
    """The libjpeg in pyvips-binary is mozjpeg; its trellis quantisation makes unusual coefficients."""
    tables = {"optimize_coding": True, "quant_table": 3}
    tuned = {"trellis_quant": True, "overshoot_deringing": True}
    return _vips(pixels, quality, subsample_mode=sampling, **tables, **tuned)


def _turbo(pixels: Pixels, quality: int, sampling: str) -> bytes:
    written: bytes = simplejpeg.encode_jpeg(pixels, quality, "RGB", sampling)
    return written


def _pillow(pixels: Pixels, quality: int, **save: object) -> bytes:
    return jpeg(pixels, quality=quality, **save)


def _grey(pixels: Pixels, quality: int, **save: object) -> bytes:
    return jpeg(pixels[:, :, :1], quality=quality, **save)


def _grey_claiming_2x2(pixels: Pixels, quality: int) -> bytes:
    """As some cameras write grey: sampling factors of 2, which mean nothing with one component (A.2.2)."""
    data = bytearray(_grey(pixels, quality))
    data[data.index(b"\xff\xc0") + 11] = 0x22
    return bytes(data)


WRITERS: dict[str, Writer] = {
    "pillow 4:4:4": partial(_pillow, subsampling="4:4:4"),
    "pillow 4:2:2": partial(_pillow, subsampling="4:2:2"),
    "pillow 4:2:0": partial(_pillow, subsampling="4:2:0"),
    "simplejpeg 4:4:0": partial(_turbo, sampling="440"),
    "simplejpeg 4:1:1": partial(_turbo, sampling="411"),
    "libvips 4:2:0": partial(_vips, subsample_mode="on"),
    "grey": _grey,
    "grey that claims 2x2": _grey_claiming_2x2,
}
"""With the standard Huffman tables."""
OPTIMISED: dict[str, Writer] = {
    "optimised 4:4:4": partial(_pillow, subsampling="4:4:4", optimize=True),
    "optimised 4:2:2": partial(_pillow, subsampling="4:2:2", optimize=True),
    "optimised 4:2:0": partial(_pillow, subsampling="4:2:0", optimize=True),
    "optimised grey": partial(_grey, optimize=True),
    "mozjpeg 4:2:0": partial(_mozjpeg, sampling="on"),
    "mozjpeg 4:4:4": partial(_mozjpeg, sampling="off"),
}
"""With tables of their own, which may lack what a filler needs."""


def header_of(data: bytes) -> markers.JpegHeader:
    return markers.parse(memoryview(data))


def cuts_of(data: bytes) -> split.Cuts:
    """Where a plain file may be cut."""
    found = split.find_cuts(memoryview(data), header_of(data))
    assert found is not None
    return found


def stripes_of(data: bytes, count: int, *, halo: bool = False) -> list[Stripe]:
    return list(split.stripes(memoryview(data), cuts_of(data), count, halo=halo))


def strict(stripe: Stripe, space: str) -> Pixels:
    """The stripe's wanted rows, by decoders that take a warning for an error."""
    file = joined(stripe.pieces)
    decoded: Pixels = simplejpeg.decode_jpeg(file, space, strict=True)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert opened(file).height == stripe.height == decoded.shape[0]
    return decoded[stripe.above : stripe.above + stripe.rows]


def by_stripes(data: bytes, count: int, written: Format, luma: Luma = Luma.BT601) -> bytes:
    """Cut, converted and joined by the code of gateway and worker, without their processes."""
    asked = Options(format=written, luma=luma)
    halo = luma is not Luma.BT601 and split.needs_halo(header_of(data))
    answers: list[tuple[memoryview, int, int]] = []
    for stripe in split.stripes(memoryview(data), cuts_of(data), count, halo=halo):
        options = replace(asked, rows=stripe.crop, part=True)
        grey = convert.grey(memoryview(joined(stripe.pieces)), options, LIMITS)
        answers.append((memoryview(bytearray(joined(grey.pieces))), header_of(data).width, stripe.rows))
    metadata = jpeg_metadata.read(header_of(data))
    if written is Format.PNG:
        parts = [png_merge.part(*answer) for answer in answers]
        return joined(png_merge.merge(parts, png_metadata.write(metadata)))
    applications = jpeg_metadata.write(metadata)
    return joined(jpeg_merge.merge([jpeg_merge.part(*answer) for answer in answers], applications))


def jpegtran(data: bytes, *arguments: str, warned: bool = False) -> bytes:
    """What jpegtran makes of a file: without a word, but that it is not baseline, unless `warned`."""
    ran = subprocess.run([JPEGTRAN, *arguments], input=data, capture_output=True, check=False)
    said = ran.stderr.replace(_SIXTEEN_BITS, b"")
    assert bool(said) is warned, said.decode()
    return ran.stdout


def coefficients(data: bytes, *arguments: str, warned: bool = False) -> tuple[object, ...]:
    """All that determines a file's coefficients: size, tables, and entropy-coded data in one coding."""
    normal = jpegtran(data, "-optimize", "-copy", "none", "-restart", "0", *arguments, warned=warned)
    header = header_of(normal)
    tables = [[bytes(p) for p in header.payloads(kind)] for kind in (markers.DQT, markers.DHT)]
    return header.width, header.height, header.channels, tables, normal[header.ecs_start :]


def flat(width: int, height: int, level: int = 200) -> Pixels:
    """Long runs of the shortest codes."""
    return np.full((height, width, 3), level, np.uint8)


def noise(width: int, height: int, seed: int = 1) -> Pixels:
    """Many long codes, and all ones are among their bits."""
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)


def checks(width: int, height: int) -> Pixels:
    """Black and white 8x8 fields: the largest DC differences."""
    rows, columns = np.indices((height, width)) // 8
    return np.repeat(((rows + columns) % 2 * 255).astype(np.uint8)[:, :, None], 3, axis=2)
