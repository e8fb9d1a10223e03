"""W3C Trace Context: which request of whose a line of log and a part on a worker belong to."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from shared.contract import TRACEPARENT, TRACESTATE

_TRACEPARENT = re.compile(
    r"(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-([0-9a-f]{2})(-.*)?"
)
"""Section 3.2; version ff and ids of zeros are not valid. Later versions may append fields (3.2.4)."""
_TRACESTATE = re.compile(r"[\x20-\x7e]{1,512}")
"""Section 3.3; longer ones may be dropped."""
_SAMPLED = "01"
_KNOWN_FLAGS = 0x03
"""Sampled and random; a version 00 has no others."""

Random = Callable[[int], bytes]
"""So many random bytes."""


@dataclass(frozen=True, slots=True)
class Trace:
    """Our place in a trace."""

    trace_id: str
    span_id: str
    flags: str = _SAMPLED
    state: str = ""
    """``tracestate``: what tracing systems of the caller's keep there, for them to read."""

    @property
    def header(self) -> str:
        """``traceparent`` for whom we ask."""
        return f"00-{self.trace_id}-{self.span_id}-{self.flags}"

    @property
    def headers(self) -> dict[str, str]:
        """All for whom we ask."""
        return {TRACEPARENT: self.header} | ({TRACESTATE: self.state} if self.state else {})


def trace_id(traceparent: str) -> str:
    """The trace that a ``traceparent`` of ours names; empty if it is none."""
    match = _TRACEPARENT.fullmatch(traceparent)
    return match[1] if match else ""


def joined(traceparent: str, tracestate: str, random: Random) -> Trace:
    """Our span in the trace of the caller, or in a new one if it names none that is valid."""
    span_id = random(8).hex()
    match = _TRACEPARENT.fullmatch(traceparent)
    if match is None or (traceparent.startswith("00") and match[3]):
        return Trace(random(16).hex(), span_id)
    state = tracestate if _TRACESTATE.fullmatch(tracestate) else ""
    return Trace(match[1], span_id, f"{int(match[2], 16) & _KNOWN_FLAGS:02x}", state)
