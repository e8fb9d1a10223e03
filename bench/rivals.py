"""The same conversion without the service: our own pipeline in one thread, Pillow, libvips.

Each is a function from an image file to the pieces of a grey image file.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias

import pyvips
from PIL import Image

from shared.codecs.convert import grey
from shared.codecs.formats import Format
from shared.codecs.limits import Limits
from shared.options import Options

Convert: TypeAlias = Callable[[bytes], Sequence[bytes | memoryview]]

_QUALITY = 90
_VIPS_FAST_PNG = {"compression": 1, "filter": "up"}

pyvips.cache_set_max(0)  # else libvips remembers results and repeats cost nothing


def one_thread(written: str) -> Convert:
    """Our own pipeline."""
    options = Options(format=Format(written))
    return lambda data: grey(memoryview(data), options, Limits()).pieces


def pillow(written: str) -> Convert:
    """Pillow as its handbook has it; it works in one thread."""
    options = {"quality": _QUALITY} if written == "jpeg" else {}
    return lambda data: [_by_pillow(data, written, options)]


def vips(written: str) -> Convert:
    """Libvips with all its threads; PNG at its defaults."""
    return _vips({"Q": _QUALITY} if written == "jpeg" else {}, written)


def vips_fast(written: str) -> Convert:
    """Libvips at the fastest setting of its PNG writer."""
    return _vips(_VIPS_FAST_PNG, written)


def _by_pillow(data: bytes, written: str, options: Mapping[str, int]) -> bytes:
    file = io.BytesIO()
    with Image.open(io.BytesIO(data)) as image:
        image.convert("L").save(file, written, **options)
    return file.getvalue()


def _vips(options: Mapping[str, object], written: str) -> Convert:
    suffix = {"png": ".png", "jpeg": ".jpg"}[written]

    def convert(data: bytes) -> list[bytes]:
        image = pyvips.Image.new_from_buffer(data, "", access="sequential")
        return [image.colourspace("b-w").write_to_buffer(suffix, **options)]

    return convert
