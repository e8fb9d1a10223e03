"""For schemathesis: bodies that are what the document says, real images and archives, beside its own."""

from __future__ import annotations

import io
import zipfile

import schemathesis
from hypothesis import strategies as st
from PIL import Image


def _encoded(kind: str, size: tuple[int, int]) -> bytes:
    out = io.BytesIO()
    Image.linear_gradient("L").resize(size).convert("RGB").save(out, kind)
    return out.getvalue()


def _packed(files: list[bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for number, data in enumerate(files):
            archive.writestr(f"{number}.jpg", data)
    return out.getvalue()


_IMAGES = st.sampled_from([_encoded(kind, (40, 24)) for kind in ("JPEG", "PNG", "WEBP", "GIF", "TIFF")])

schemathesis.openapi.format("binary", _IMAGES)
schemathesis.openapi.media_type("application/octet-stream", _IMAGES)
schemathesis.openapi.media_type("application/zip", st.lists(_IMAGES, min_size=1, max_size=4).map(_packed))
