"""What libvips makes of a picture, and what each luma makes of that by its definition."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import numpy as np
import pyvips
from numpy.typing import NDArray
from support.images import luma_plane, opened

from shared.options import Luma

Samples = NDArray[np.uint8 | np.uint16]
_Wide = NDArray[np.int64]


def weighing(red: int, green: int, blue: int) -> Callable[[_Wide], _Wide]:
    """A weighted sum in 65536ths."""
    return lambda rgb: (rgb @ np.array([red, green, blue]) + 32768) >> 16


FORMULAS: dict[Luma, Callable[[_Wide], _Wide]] = {
    Luma.BT601: weighing(19595, 38470, 7471),
    Luma.BT601_RGB: weighing(19595, 38470, 7471),
    Luma.BT709: weighing(13933, 46871, 4732),
    Luma.AVERAGE: lambda rgb: np.rint(rgb.sum(axis=2) / 3).astype(np.int64),
    Luma.RED: lambda rgb: rgb[:, :, 0],
    Luma.GREEN: lambda rgb: rgb[:, :, 1],
    Luma.BLUE: lambda rgb: rgb[:, :, 2],
}
"""Of (rows, width, 3). `linear` is libvips' own."""


def decoded(data: bytes) -> Samples:
    """All samples of a picture, (rows, width, channels), in 8 or 16 bits."""
    return _samples(pyvips.Image.new_from_buffer(data, "", access="sequential"))


def _samples(image: pyvips.Image) -> Samples:
    kind = {"uchar": np.uint8, "ushort": np.uint16}[image.format]
    return np.frombuffer(image.write_to_memory(), kind).reshape(image.height, image.width, image.bands)


@lru_cache(maxsize=1)
def right(data: bytes, luma: Luma) -> Samples:
    """What the grey of a JPEG or PNG must decode to; `linear` to within one step.

    A JPEG's pixels are Pillow's: of its chroma, other decoders make other colours.
    """
    if data[:2] != b"\xff\xd8":
        return in_grey(decoded(data), luma)
    if luma is Luma.BT601:
        return luma_plane(data)[:, :, None]
    image = opened(data)
    return in_grey(np.atleast_3d(np.asarray(image if image.mode == "L" else image.convert("RGB"))), luma)


def in_grey(samples: Samples, luma: Luma) -> Samples:
    """Samples in grey, (rows, width, 1 or 2), their alpha kept, with the bits they have."""
    colour, alpha = samples[:, :, :3], samples[:, :, 3:]
    if samples.shape[2] <= 2:
        return samples
    grey = _linear(colour) if luma is Luma.LINEAR else FORMULAS[luma](colour.astype(np.int64))
    return np.concatenate([grey.reshape(*colour.shape[:2], 1).astype(samples.dtype), alpha], axis=2)


def _linear(colour: Samples) -> Samples:
    wide = colour.dtype == np.uint16
    image = pyvips.Image.new_from_array(colour, interpretation="rgb16" if wide else "srgb")
    return _samples(image.colourspace("grey16" if wide else "b-w"))


def differ(ours: Samples, theirs: Samples) -> int:
    """The largest difference of a sample; shapes and types must be the same."""
    assert (ours.shape, ours.dtype) == (theirs.shape, theirs.dtype)
    if np.array_equal(ours, theirs):
        return 0
    return int(np.abs(ours.astype(np.int64) - theirs.astype(np.int64)).max())
