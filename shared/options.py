"""What a caller may ask for: parsed and validated here, for gateway, worker and inline alike.

`TABLE` is the one list of names, values and meanings; errors and OpenAPI are made from it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from shared.codecs.formats import WRITTEN, Format, resolve
from shared.problems import InvalidOption


class Luma(StrEnum):
    """The formula for grey."""

    BT601 = "bt601"
    """The stored Y plane of a YCbCr JPEG; else as BT601_RGB."""
    BT601_RGB = "bt601-rgb"
    """Always from RGB pixels, bit-equal to Pillow's ``convert("L")``."""
    BT709 = "bt709"
    """The weights of high definition, on stored values."""
    LINEAR = "linear"
    """The same weights on linear light: libvips' ``b-w``."""
    AVERAGE = "average"
    RED = "red"
    GREEN = "green"
    BLUE = "blue"


class Effort(StrEnum):
    """How hard to compress."""

    FAST = "fast"
    BALANCED = "balanced"
    SMALL = "small"


class Keep(StrEnum):
    """What becomes of EXIF, XMP and resolution."""

    KEEP = "keep"
    STRIP = "strip"


MAX_STRIPES = 64


@dataclass(frozen=True, slots=True)
class Options:
    """One conversion's options; the defaults are those of the public interface."""

    format: Format | None = None
    """None: the source's own format, else PNG."""
    luma: Luma = Luma.BT601
    quality: int | None = None
    """JPEG only. None: the source's own coefficients or quantisation table, or 90."""
    effort: Effort = Effort.FAST
    metadata: Keep = Keep.KEEP
    stripes: int | None = None
    """At most so many stripes. None: as many as there are free slots."""
    rows: tuple[int, int] | None = None
    """(first, count): keep only these decoded rows of a JPEG. Workers only."""
    part: bool = False
    """Return a mergeable stripe. Workers only."""

    def keeps_coefficients(self, source: Format) -> bool:
        """Whether a JPEG that is plain stays lossless: its Y plane as JPEG, at no quality of its own."""
        to_jpeg = source is resolve(self.format, source) is Format.JPEG
        return to_jpeg and self.luma is Luma.BT601 and self.quality is None


@dataclass(frozen=True, slots=True)
class Option:
    """A query parameter as documented."""

    name: str
    values: str
    """Allowed values, as errors list them."""
    meaning: str
    enum: tuple[str, ...] = ()
    minimum: int | None = None
    maximum: int | None = None
    aliases: tuple[str, ...] = ()
    """Of `enum`: second names, which a list of choices leaves out."""


_NOT_ACCEPTABLE = re.compile(r"q *= *0(\.0{0,3})?")
"""RFC 9110 section 12.4.2."""
_FORMATS = {"jpg": Format.JPEG, "tif": Format.TIFF} | {f.value: f for f in WRITTEN}
_WRITTEN_NAMES = tuple(f.value for f in WRITTEN)

TABLE: tuple[Option, ...] = (
    Option(
        "format",
        "same, " + ", ".join(_WRITTEN_NAMES),
        "Format of the result. `same` is the source's own if it is among these, else PNG. "
        "Absent: one image type in `Accept` decides.",
        ("same", *_WRITTEN_NAMES, "jpg", "tif"),
        aliases=("jpg", "tif"),
    ),
    Option(
        "luma",
        ", ".join(Luma),
        "What grey means. `bt601` of a YCbCr JPEG is its stored Y plane; `bt601-rgb` always goes through "
        "RGB; `bt709` weighs stored values, `linear` light; or the average, or one channel. Grey stays as "
        "it is.",
        tuple(Luma),
    ),
    Option(
        "quality",
        "1 to 100",
        "JPEG results only. Absent: a baseline JPEG keeps its luma coefficients, without loss, another one "
        "its quantisation table; 90 where there is none.",
        minimum=1,
        maximum=100,
    ),
    Option("effort", ", ".join(Effort), "How hard to compress PNG, TIFF and WebP.", tuple(Effort)),
    Option(
        "metadata",
        ", ".join(Keep),
        "`keep` keeps EXIF with orientation, XMP, IPTC, resolution, text and the tone curve.",
        tuple(Keep),
    ),
    Option(
        "stripes",
        f"1 to {MAX_STRIPES}",
        "At most so many stripes, whatever is free; 1 is one whole image.",
        minimum=1,
        maximum=MAX_STRIPES,
    ),
)
WORKER_TABLE: tuple[Option, ...] = (
    *TABLE,
    Option("rows", "first:count, first a multiple of 8", "Keep only these rows of a JPEG."),
    Option("part", "1", "Return a stripe that can be merged.", ("1",)),
)


def parse(pairs: Iterable[tuple[str, str]], table: Sequence[Option] = TABLE) -> Options:
    """Options from query pairs; `InvalidOption` for unknown names, repeated names and bad values."""
    known = {option.name: option for option in table}
    given: dict[str, str] = {}
    for name, value in pairs:
        if name not in known:
            raise InvalidOption(f"unknown option {name[:40]!r}; allowed: {', '.join(known)}")
        if name in given:
            raise InvalidOption(f"option {name!r} is given twice")
        _check(known[name], value)
        given[name] = value
    return Options(
        format=_FORMATS.get(given.get("format", "same")),
        luma=Luma(given.get("luma", Luma.BT601)),
        quality=int(given["quality"]) if "quality" in given else None,
        effort=Effort(given.get("effort", Effort.FAST)),
        metadata=Keep(given.get("metadata", Keep.KEEP)),
        stripes=int(given["stripes"]) if "stripes" in given else None,
        rows=_rows(given["rows"]) if "rows" in given else None,
        part="part" in given,
    )


def _check(option: Option, value: str) -> None:
    if option.enum:
        allowed = value in option.enum
    elif option.minimum is not None and option.maximum is not None:
        allowed = _is_number(value) and option.minimum <= int(value) <= option.maximum
    else:
        first, colon, count = value.partition(":")
        allowed = bool(colon) and _is_number(first) and _is_number(count)
        allowed = allowed and int(first) % 8 == 0 and int(count) > 0
    if not allowed:
        raise InvalidOption(f"{option.name}={value[:40]!r} is not allowed; allowed: {option.values}")


def _is_number(value: str) -> bool:
    return value.isascii() and value.isdigit() and len(value) <= 9


def _rows(value: str) -> tuple[int, int]:
    first, _, count = value.partition(":")
    return int(first), int(count)


def query(options: Options) -> list[tuple[str, str]]:
    """The query pairs that `parse` turns back into these options; defaults are left out."""
    pairs: list[tuple[str, object]] = [
        ("format", options.format),
        ("luma", None if options.luma is Luma.BT601 else options.luma),
        ("quality", options.quality),
        ("effort", None if options.effort is Effort.FAST else options.effort),
        ("metadata", None if options.metadata is Keep.KEEP else options.metadata),
        ("stripes", options.stripes),
        ("rows", None if options.rows is None else f"{options.rows[0]}:{options.rows[1]}"),
        ("part", "1" if options.part else None),
    ]
    return [(name, str(value)) for name, value in pairs if value is not None]


def accepted(accept: str) -> Format | None:
    """The format of the one concrete image type that an Accept field names, if we write it, or None.

    Several named types, as browsers send them for pages, decide nothing.
    """
    named = set()
    for entry in accept.split(","):
        kind, *parameters = (item.strip().lower() for item in entry.split(";"))
        refused = any(_NOT_ACCEPTABLE.fullmatch(parameter) for parameter in parameters)
        if kind.startswith("image/") and kind != "image/*" and not refused:
            named.add(kind)
    return next((f for f in WRITTEN if {f.media_type} == named), None)


def openapi(table: Sequence[Option] = TABLE) -> list[dict[str, object]]:
    """The table as OpenAPI parameters."""
    return [
        {
            "name": option.name,
            "in": "query",
            "required": False,
            "description": option.meaning,
            "schema": _schema(option),
        }
        for option in table
    ]


def _schema(option: Option) -> dict[str, object]:
    if option.enum:
        aliases = {"x-aliases": list(option.aliases)} if option.aliases else {}
        return {"type": "string", "enum": list(option.enum), **aliases}
    if option.minimum is not None:
        return {"type": "integer", "minimum": option.minimum, "maximum": option.maximum}
    return {"type": "string"}
