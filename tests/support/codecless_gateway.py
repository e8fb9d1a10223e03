"""A gateway whose process cannot decode or encode: every way to do so raises, or cannot be imported.

What it may do with compressed data is to walk it (`shared.codecs.jpeg.entropy`).
"""

from __future__ import annotations

import runpy
import sys
import zlib
from typing import NoReturn

from isal import igzip_lib, isal_zlib


def forbidden(*_: object, **__: object) -> NoReturn:
    raise AssertionError("the gateway touched a pixel")


for module in ("simplejpeg", "PIL", "PIL.Image", "shared.codecs.kernels"):
    sys.modules[module] = None  # type: ignore[assignment]  # makes the import fail

from shared.codecs.jpeg import entropy  # noqa: E402, F401

for library in (zlib, isal_zlib, igzip_lib):
    for name in ("compress", "decompress", "compressobj", "decompressobj", "IgzipDecompressor"):
        if hasattr(library, name):
            setattr(library, name, forbidden)

sys.argv[0] = "gateway"
runpy.run_module("gateway", run_name="__main__")
