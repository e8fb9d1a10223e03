"""Text chunks (PNG section 11.3.3). Reading them inflates nothing: they may be copied as they are."""

from __future__ import annotations

import re

from shared.codecs.metadata import Text
from shared.codecs.png.chunks import Chunk, chunk

_KEYWORD = re.compile(rb"(?=.{1,79}\Z)[!-~\xa1-\xff]+(?: [!-~\xa1-\xff]+)*", re.DOTALL)
"""Printable Latin-1 with single spaces inside (section 11.3.3.2)."""


def text(found: Chunk) -> Text | None:
    """The text of a tEXt, zTXt or iTXt chunk; None if it is another chunk, or not laid out as one."""
    keyword, separator, rest = bytes(found.data).partition(b"\0")
    if not separator or not _KEYWORD.fullmatch(keyword):
        return None
    name = keyword.decode("latin-1")
    match found.type:
        case b"tEXt" if b"\0" not in rest:
            return Text(name, rest)
        case b"zTXt" if rest[:1] == b"\0":
            return Text(name, rest[1:], deflated=True)
        case b"iTXt" if rest[:2] in {b"\0\0", b"\1\0"} and rest[2:].count(b"\0") >= 2:
            return Text(name, rest[2:].split(b"\0", 2)[2], deflated=rest[:1] == b"\1")
        case _:
            return None


def written(text: Text) -> bytes:
    """A text that came without a chunk of its own: as iTXt if it is UTF-8 beyond ASCII, else as tEXt."""
    keyword, plain = text.keyword.encode("latin-1") + b"\0", text.stored.replace(b"\0", b"")
    try:
        is_ascii = plain.decode().isascii()
    except UnicodeDecodeError:
        is_ascii = True  # of no known encoding: tEXt takes any byte
    return chunk(b"tEXt", keyword + plain) if is_ascii else chunk(b"iTXt", keyword + bytes(4) + plain)
