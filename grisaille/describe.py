"""What an image file is, how it would be split, and why: what `grisaille info` says."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from shared.codecs import headers
from shared.codecs.formats import Format, resolve
from shared.codecs.headers import ImageHeader
from shared.codecs.limits import Limits
from shared.codecs.png import chunks
from shared.options import Options
from shared.plan import Kind, Plan, plan

_WHY = {
    "serial-format": "a file of this kind is one serial stream, which cannot be cut without decoding it",
    "one-unit": "it is so low that there is nothing to cut",
    "serial-output": "stripes of this format cannot be joined",
    "asked": "so many were asked for",
    "busy": "no slot is free: whole pictures are the least work in total",
    "one-slot": "only one slot is free",
    "free-slots": "one for each free slot",
    "small": "a stripe of less than a megapixel would cost more than it saves",
    "scan-costs-more": "finding the borders of stripes would take longer than they save",
}


@dataclass(frozen=True, slots=True)
class Description:
    """An image file."""

    format: str
    size: int
    """Bytes."""
    width: int | None
    height: int | None
    depth: int | None
    """Bits a sample; None, as width and height, for formats whose header only their own decoder reads."""
    grey: bool | None
    cut: str
    """`markers`: at restart markers; `scan`: where an entropy scan finds rows; `none`."""
    units: int
    """The largest number of stripes."""
    written: str
    """Format of the result."""
    lossless: bool
    """Whether the result keeps a JPEG's coefficients."""
    plan: Plan
    slots: int

    @property
    def document(self) -> dict[str, object]:
        """As `--json` has it."""
        return {**asdict(self), "why": self.why}

    @property
    def why(self) -> str:
        """The plan's reason in words."""
        return _WHY.get(self.plan.reason, self.plan.reason)

    @property
    def lines(self) -> list[str]:
        """For a person."""
        loss = ", without loss: the coefficients of its luma are kept" if self.lossless else ""
        return [
            f"{self.format.upper()}, {self._dimensions}{self.size / 1e6:.2f} MB",
            f"result: {self.written.upper()}{loss}",
            f"can be cut: {self._cut}",
            f"with {self.slots} free slots: {self._plan}, since {self.why}",
        ]

    @property
    def _dimensions(self) -> str:
        if self.width is None or self.height is None:
            return ""
        megapixels = f"{self.width * self.height / 1e6:.1f} megapixels"
        kind = "grey" if self.grey else "colour"
        return f"{self.width} x {self.height} ({megapixels}), {self.depth} bit, {kind}, "

    @property
    def _cut(self) -> str:
        return {
            "markers": f"at restart markers, into up to {self.units} stripes",
            "scan": f"after an entropy scan, which finds where its {self.units} rows of blocks begin",
            "none": "no",
        }[self.cut]

    @property
    def _plan(self) -> str:
        return f"{self.plan.stripes} stripes" if self.plan.kind is Kind.STRIPES else "whole, on one worker"


def describe(data: memoryview, options: Options, slots: int, limits: Limits) -> Description:
    """From its header alone; raises as `headers.read`."""
    header = headers.read(data, limits)
    written = resolve(options.format, header.format)
    return Description(
        format=header.format,
        size=len(data),
        width=header.width,
        height=header.height,
        depth=_depth(data, header),
        grey=header.is_grey,
        cut=_cut(header),
        units=header.units,
        written=written,
        lossless=header.cuts is not None and options.keeps_coefficients(header.format),
        plan=plan(header, written, options, slots),
        slots=slots,
    )


def _depth(data: memoryview, header: ImageHeader) -> int | None:
    if header.format is Format.PNG:
        return chunks.parse_header(data).depth
    return 8 if header.format is Format.JPEG else None  # T.81 has 12 as well, which nobody here reads


def _cut(header: ImageHeader) -> str:
    if header.cuts is None or header.units == 1:
        return "none"
    return "scan" if header.cuts.needs_scan else "markers"
