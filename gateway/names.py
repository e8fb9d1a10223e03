"""File names of results, made from those of uploads: safe wherever someone unpacks them."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Iterable
from itertools import islice
from pathlib import PurePosixPath

_LONGEST = 100
"""Characters of a folder's or file's name: five times as many bytes are too many for most file systems."""
_DEEPEST = 20
_FORBIDDEN = dict.fromkeys(map(ord, '<>:"|?*'), "_")
"""By Windows, besides the separators and what is not printable."""
_DEVICES = {"con", "prn", "aux", "nul", "conin$", "conout$"} | {
    f"{port}{number}" for port in ("com", "lpt") for number in "123456789\xb9\xb2\xb3"
}
"""Names that Windows keeps for itself, with whatever extension."""
_UNNAMED = "image"


def grey_name(filename: str, extension: str, number: int = 1) -> str:
    """The name of the grey version of a file, without its folder; with the number from the second on."""
    stem = PurePosixPath(filename.replace("\\", "/")).stem[:_LONGEST] or _UNNAMED
    return f"{stem}-grey{'' if number == 1 else f'-{number}'}.{extension}"


def distinct(names: Iterable[str]) -> list[tuple[str, int]]:
    """Each upload's path as it may be unpacked anywhere, and its number among those of the same name.

    The extension does not tell names apart, since the result may have another; nor does the case of letters
    or how an accent is put on one, which some file systems do not keep.
    """
    seen: Counter[str] = Counter()
    found = []
    for name in names:
        path = _safe(name)
        same = _caseless(entry_name(path, 1, ""))
        seen[same] += 1
        found.append((path, seen[same]))
    return found


def entry_name(path: str, number: int, extension: str) -> str:
    """The grey version of a safe path, in the same folder."""
    folder, slash, _ = path.rpartition("/")
    return folder + slash + grey_name(path, extension, number)


def _caseless(name: str) -> str:
    """Equal for names that match without regard to case (Unicode 3.13, D145)."""
    return unicodedata.normalize("NFD", unicodedata.normalize("NFD", name).casefold())


def _safe(name: str) -> str:
    """A relative path that stays below the folder it is unpacked in, on any system."""
    parts = filter(None, map(_safe_part, reversed(name.replace("\\", "/").split("/"))))
    return "/".join(reversed(list(islice(parts, _DEEPEST)))) or _UNNAMED


def _safe_part(part: str) -> str:
    part = part[:_LONGEST]
    if not part.isprintable():
        part = "".join(c if c.isprintable() else "_" for c in part)
    # Windows drops dots and spaces at the end, so that ".. " is "..".
    part = part.translate(_FORBIDDEN).rstrip(". ")
    is_device = part.partition(".")[0].rstrip().casefold() in _DEVICES
    return f"_{part}" if is_device else part
