"""The ICC profile of a grey picture: the tone curve of the colour one, or none where that is sRGB's.

Nothing here applies a profile to pixels. Sections are those of ICC.1:2022 (profile version 4.4).
"""

from __future__ import annotations

import functools
import struct
from collections.abc import Callable
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

_HEADER_BYTES, _ENTRY_BYTES = 128, 12
_MAX_TAGS = 256
"""Profiles have some twenty."""
_MAX_CURVE_ENTRIES = 0x7FFF
"""LittleCMS reads no longer curve (cmstypes.c, Type_Curve_Read)."""
_D50 = struct.pack(">3i", 0xF6D6, 0x10000, 0xD32D)
"""The connection space's white (section 7.2.16)."""
_CURVES = (b"gTRC", b"rTRC", b"bTRC")
"""Green first: where they differ it stands for all, since most of a grey is green."""
_PARAMETERS = (1, 3, 4, 5, 7)
"""How many numbers each kind of parametric curve has (table 68)."""
_HALF_LEVEL = 0.5 / 255
_STORED = np.arange(256) / 255

_Samples: TypeAlias = NDArray[np.float64]
_Curve: TypeAlias = Callable[[_Samples], _Samples]
"""Light for stored values, both from 0 to 1."""


def grey_profile(icc: bytes) -> bytes | None:
    """What a grey picture carries in place of its source's profile.

    A profile for grey as it is; for one of RGB a grey one with its tone curve (the green one's, where the
    three differ), or None where that is sRGB's to half a level of 8 bits. None too for other colours, for
    RGB profiles that have tables in place of curves, and for what is damaged.
    """
    tags = _tags(icc)
    if tags is None or icc[16:20] not in {b"GRAY", b"RGB "}:
        return None
    if icc[16:20] == b"GRAY":
        return icc if b"kTRC" in tags or b"A2B0" in tags else None
    stored = bytes(next((tags[name] for name in _CURVES if name in tags), b""))
    found = _curve(stored)
    if found is None:
        return None
    curve, used = found
    return None if _is_srgb(curve) else _written(icc, stored[:used])


def _tags(icc: bytes) -> dict[bytes, memoryview] | None:
    """The tags by their signatures (section 7.3); None if the profile's structure is broken.

    Not copied: tags may lie over each other, and each be nearly all of the profile.
    """
    if len(icc) < _HEADER_BYTES + 4 or icc[36:40] != b"acsp":
        return None
    size, count = int.from_bytes(icc[:4], "big"), int.from_bytes(icc[128:132], "big")
    if size != len(icc) or count > _MAX_TAGS or _HEADER_BYTES + 4 + count * _ENTRY_BYTES > size:
        return None
    tags, whole = {}, memoryview(icc)
    for entry in range(count):
        signature, offset, length = struct.unpack_from(">4sII", icc, _HEADER_BYTES + 4 + entry * _ENTRY_BYTES)
        if offset + length > size:
            return None
        tags[signature] = whole[offset : offset + length]
    return tags


def _curve(tag: bytes) -> tuple[_Curve, int] | None:
    """A tone curve and the bytes it takes of its tag; None if it is none that can be followed."""
    match tag[:4]:
        case b"curv" if len(tag) >= 12:
            return _sampled(tag)
        case b"para" if len(tag) >= 12:
            return _parametric(tag)
        case _:
            return None


def _sampled(tag: bytes) -> tuple[_Curve, int] | None:
    """A gamma, or samples with straight lines between them (section 10.6)."""
    count = int.from_bytes(tag[8:12], "big")
    used = 12 + 2 * count
    if count > _MAX_CURVE_ENTRIES or used > len(tag):
        return None
    values = np.frombuffer(tag[12:used], ">u2")
    if count == 0:
        return lambda x: x, used
    if count == 1:
        gamma = values[0] / 256
        return (lambda x: x**gamma, used) if gamma else None
    return lambda x: np.interp(x * (count - 1), np.arange(count), values / 65535), used


def _parametric(tag: bytes) -> tuple[_Curve, int] | None:
    """A power, from some value on (section 10.18)."""
    kind = int.from_bytes(tag[8:10], "big")
    if kind >= len(_PARAMETERS):
        return None
    used = 12 + 4 * _PARAMETERS[kind]
    numbers = [n / 65536 for (n,) in struct.iter_unpack(">i", tag[12:used])]
    power = _power(kind, numbers) if len(numbers) == _PARAMETERS[kind] else None
    return None if power is None else (functools.partial(_evaluated, power), used)


def _power(kind: int, numbers: list[float]) -> tuple[float, ...] | None:
    """(g, a, b, c, d, e, f) of the last kind, (ax + b)^g + e from d on, cx + f before, for any kind."""
    g, a, b, *more = (*numbers, 1.0, 0.0) if kind == 0 else numbers
    if g <= 0 or a == 0:
        return None
    match kind:
        case 0:
            return g, a, b, 0, 0, 0, 0
        case 1 | 2:
            shift = more[0] if more else 0.0
            return g, a, b, 0, -b / a, shift, shift
        case 3:
            return g, a, b, *more, 0, 0
        case _:
            return g, a, b, *more


def _evaluated(power: tuple[float, ...], x: _Samples) -> _Samples:
    g, a, b, c, d, e, f = power
    with np.errstate(over="ignore"):
        return np.where(x >= d, np.maximum(a * x + b, 0) ** g + e, c * x + f)


def _is_srgb(curve: _Curve) -> bool:
    """Whether light means the same stored values under sRGB (IEC 61966-2-1), to half a level of 8 bits."""
    light = np.clip(curve(_STORED), 0, 1)
    stored = np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)
    return bool(np.all(np.abs(stored - _STORED) <= _HALF_LEVEL))


def _written(icc: bytes, curve: bytes) -> bytes:
    """A grey display profile with this curve (section 8.4.3), of the date of the other one."""
    tags = (
        (b"desc", _text("Grey")),
        (b"cprt", _text("As the colour profile whose tone curve this is")),
        (b"wtpt", b"XYZ " + bytes(4) + _D50),
        (b"kTRC", curve),
    )
    offset = _HEADER_BYTES + 4 + _ENTRY_BYTES * len(tags)
    table, body = len(tags).to_bytes(4, "big"), b""
    for signature, tag in tags:
        table += struct.pack(">4sII", signature, offset + len(body), len(tag))
        body += tag + bytes(-len(tag) % 4)
    size = offset + len(body)
    # Size, no CMM, version 4.2, kind, space, connection space; date; signature; white.
    header = struct.pack(
        ">I4xI4s4s4s12s4s28x12s48x", size, 0x04200000, b"mntr", b"GRAY", b"XYZ ", icc[24:36], b"acsp", _D50
    )
    return header + table + body


def _text(english: str) -> bytes:
    """One text in a multiLocalizedUnicodeType (section 10.15)."""
    encoded = english.encode("utf-16-be")
    return b"mluc" + struct.pack(">4xII4sII", 1, 12, b"enUS", len(encoded), 28) + encoded
