"""Loops over bytes of strips."""

from __future__ import annotations

from shared.codecs.jit import READ_ONLY, Bytes, kernel


@kernel(f"int64({READ_ONLY})")
def unpacked_size(packed: Bytes) -> int:
    """Bytes that a strip of PackBits unpacks to (section 9); a last run that is cut short counts nothing.

    Some writers add a byte to make a strip even, which looks like such a run.
    """
    size, i = 0, 0
    while i < packed.size:
        control = int(packed[i])
        i += 2 + control if control < 128 else 1 + (control > 128)
        if control != 128 and i <= packed.size:
            size += control + 1 if control < 128 else 257 - control
    return size
