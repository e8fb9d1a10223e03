"""How an image will be converted: a pure function of its header, the options and the free slots."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from math import ceil

from shared.codecs.formats import Format
from shared.codecs.headers import ImageHeader
from shared.codecs.jpeg.split import Cuts
from shared.options import MAX_STRIPES, Options

STRIPE_MIN_PIXELS = 1_000_000
"""Below this a stripe's round trip costs more than it saves."""

STRIPE_MAX_PIXELS = 1 << 25
"""Above this there are more stripes than slots, one behind another: else memory would grow with the image."""

SCAN_NS_PER_BYTE = 4.3
LOSSLESS_NS_PER_BYTE = 7.4
DECODE_NS_PER_BYTE = 8.0
NS_PER_PIXEL = 5.3
"""One thread's time for entropy-coded bytes (the scan; the lossless kernel; decoding) and for pixels (the
rest of decoding, and encoding). Measured; only their ratios matter (docs/performance.md, Break-even)."""
SCAN_NS = 11_000_000
"""What a scan costs besides: one more process is busy, and stripes wait for each other."""


class Kind(StrEnum):
    """Where the work is done."""

    INLINE = "inline"
    """In the gateway."""
    WHOLE = "whole"
    """The whole image on one worker."""
    STRIPES = "stripes"


@dataclass(frozen=True, slots=True)
class Plan:
    """What will be done, and why."""

    kind: Kind
    stripes: int
    reason: str
    """A slug."""


def plan(
    header: ImageHeader, written: Format, options: Options, free_slots: int, *, scanning: bool = False
) -> Plan:
    """Whole, or as many stripes as slots are free and the image allows, or a multiple, lest one be too large.

    When all slots are busy an image stays whole: that is the least total work. So it does where finding
    the borders of its stripes would take longer than they save, or would have to wait for the scan of
    another (`scanning`): else the gateway would scan while workers idle. `options.stripes` takes the place
    of all these.
    """
    if header.cuts is None or header.units == 1:
        return Plan(Kind.WHOLE, 1, "serial-format" if header.cuts is None else "one-unit")
    if written is Format.WEBP:
        return Plan(Kind.WHOLE, 1, "serial-output")
    if options.stripes is not None:
        count, reason = options.stripes, "asked"
    elif free_slots <= 1:
        count, reason = 1, "one-slot" if free_slots else "busy"
    else:
        fitting = (header.pixels or 0) // STRIPE_MIN_PIXELS
        count, reason = (free_slots, "free-slots") if fitting >= free_slots else (fitting, "small")
    count = min(count, header.units)
    if count > 1 and options.stripes is None and isinstance(header.cuts, Cuts) and header.cuts.needs_scan:
        lossless = written is Format.JPEG and options.keeps_coefficients(Format.JPEG)
        if scanning:
            count, reason = 1, "scan-busy"
        elif not _gains(header.cuts, count, lossless=lossless):
            count, reason = 1, "scan-costs-more"
    if options.stripes is None and (count > 1 or not header.cuts.needs_scan):
        count *= max(ceil((header.pixels or 0) / (max(count, 1) * STRIPE_MAX_PIXELS)), 1)
    count = min(count, header.units, MAX_STRIPES)
    return Plan(Kind.STRIPES, count, reason) if count > 1 else Plan(Kind.WHOLE, 1, reason)


def _gains(cuts: Cuts, count: int, *, lossless: bool) -> bool:
    """Whether so many stripes take less time than the whole image, the scan before the last one included."""
    size = cuts.ecs.end - cuts.ecs.start
    if lossless:
        work = LOSSLESS_NS_PER_BYTE * size
    else:
        work = DECODE_NS_PER_BYTE * size + NS_PER_PIXEL * cuts.jpeg.width * cuts.jpeg.height
    return SCAN_NS + SCAN_NS_PER_BYTE * size + work / count < work
