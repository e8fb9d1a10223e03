"""Whether a whole image that a worker gave back is what was asked for."""

from __future__ import annotations

from shared.codecs import headers
from shared.codecs.formats import Format
from shared.codecs.headers import ImageHeader
from shared.codecs.limits import Limits
from shared.codecs.png.layout import IEND
from shared.problems import MalformedImage, Unprocessable, Unsupported

_ENDS = {Format.PNG: IEND, Format.JPEG: b"\xff\xd9"}
"""Last bytes of a complete file, where the format has such."""


def complete(body: memoryview, source: ImageHeader, written: Format, limits: Limits) -> memoryview:
    """The answer as it is; `MalformedImage` if it is of another format or size, or cut short."""
    try:
        header = headers.read(body, limits)
    except (Unsupported, Unprocessable) as exc:
        raise MalformedImage(f"the answer is no image: {exc.detail}") from exc
    if header.format is not written:
        raise MalformedImage(f"the answer is {header.format.name}, not {written.name}")
    if header.is_grey is False:
        raise MalformedImage("the answer is in colour")
    sizes = {(header.width, header.height), (source.width, source.height)} - {(None, None)}
    if len(sizes) > 1:
        raise MalformedImage(f"an image of {source.width} x {source.height} pixels came back in another size")
    end = _ENDS.get(written, b"")
    if body[len(body) - len(end) :] != end:
        raise MalformedImage("the answer is cut short")
    return body
