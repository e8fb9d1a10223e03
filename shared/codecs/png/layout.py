"""The layout of our PNG files, whose image data can be joined without being inflated.

    signature | IHDR | metadata | IDAT 78 01 | IDAT deflate ... | IDAT 03 00 + Adler-32 | IEND

The deflate body has no zlib header, ends in a sync flush, so on a byte border, and never shares an
IDAT with header or trailer; the trailer is a last, empty block.
"""

from __future__ import annotations

from shared.codecs.png.chunks import chunk

ZLIB_HEADER = b"\x78\x01"
"""Deflate, 32 KiB window (RFC 1950 section 2.2)."""
SYNC_FLUSH = b"\x00\x00\xff\xff"
"""How a sync flush ends: an empty stored block (RFC 1951 section 3.2.4)."""
FINAL_BLOCK = b"\x03\x00"
"""An empty last block with fixed codes (RFC 1951 section 3.2.6)."""
IEND = chunk(b"IEND", b"")
