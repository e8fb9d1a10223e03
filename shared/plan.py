"""How an image will be converted: a pure function of its header, the options and the free slots."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from shared.codecs.formats import Format
from shared.codecs.headers import ImageHeader
from shared.options import MAX_STRIPES, Options

STRIPE_MIN_PIXELS = 1_000_000
"""Below this a stripe's round trip costs more than it saves."""


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


def plan(header: ImageHeader, written: Format, options: Options, free_slots: int) -> Plan:
    """Whole, or as many stripes as slots are free and the image allows.

    When all slots are busy an image stays whole: that is the least total work. `options.stripes`
    takes the place of the free slots and of the smallest stripe.
    """
    if header.units == 1:
        return Plan(Kind.WHOLE, 1, "serial-format" if header.cuts is None else "no-restart-markers")
    if written not in {Format.PNG, Format.JPEG}:
        return Plan(Kind.WHOLE, 1, "serial-output")
    if options.stripes is not None:
        count, reason = options.stripes, "asked"
    elif free_slots <= 1:
        count, reason = 1, "one-slot" if free_slots else "busy"
    else:
        fitting = (header.pixels or 0) // STRIPE_MIN_PIXELS
        count, reason = (free_slots, "free-slots") if fitting >= free_slots else (fitting, "small")
    count = min(count, header.units, MAX_STRIPES)
    return Plan(Kind.STRIPES, count, reason) if count > 1 else Plan(Kind.WHOLE, 1, reason)
