"""The archive a batch is answered with, read by other people's readers, from both ends."""

from __future__ import annotations

import io
import json
import struct
import zipfile
import zlib

from hypothesis import given
from hypothesis import strategies as st

from gateway.batch.answer import Archive

DATE = (2026, 11, 24, 12, 30, 2)
ENTRIES = st.dictionaries(
    st.text(st.characters(exclude_categories=["C"], exclude_characters="/"), min_size=1, max_size=12),
    st.lists(st.binary(max_size=40), max_size=4),
    max_size=6,
).flatmap(lambda entries: st.permutations(list(enumerate(entries.items()))))
"""In the order in which they are ready, each with its place in the upload."""


def written(ready: list[tuple[int, tuple[str, list[bytes]]]]) -> bytes:
    archive = Archive()
    out = b""
    for place, (name, pieces) in ready:
        out += b"".join(archive.add(name, [memoryview(piece) for piece in pieces], DATE, place))
    return out + b"".join([*archive.add_errors([{"name": "x"}], DATE), *archive.end()])


@given(ENTRIES)
def test_the_directory_lists_what_was_added_in_the_order_of_the_upload(
    ready: list[tuple[int, tuple[str, list[bytes]]]],
) -> None:
    with zipfile.ZipFile(io.BytesIO(written(ready))) as archive:
        assert archive.testzip() is None
        assert archive.namelist() == [name for _, (name, _) in sorted(ready)] + ["errors.json"]
        for _, (name, pieces) in ready:
            assert archive.read(name) == b"".join(pieces)
        assert json.loads(archive.read("errors.json")) == [{"name": "x"}]
        assert {info.date_time for info in archive.infolist()} == {DATE}


@given(ENTRIES)
def test_whoever_reads_it_as_it_comes_finds_each_entry_with_its_size_and_checksum_first(
    ready: list[tuple[int, tuple[str, list[bytes]]]],
) -> None:
    data, offset = written(ready), 0
    for _, (name, pieces) in ready:
        # Local file header (APPNOTE 4.3.7).
        fields = struct.unpack_from("<4s5H3L2H", data, offset)
        signature, flags, method, crc, packed, size, name_size, extra_size = (
            *fields[:1],
            *fields[2:4],
            *fields[6:],
        )
        content = b"".join(pieces)
        assert (signature, method, flags & 8) == (b"PK\x03\x04", 0, 0)
        assert (crc, packed, size) == (zlib.crc32(content), len(content), len(content))
        start = offset + 30 + name_size + extra_size
        assert data[offset + 30 : offset + 30 + name_size].decode() == name
        assert data[start : start + size] == content
        offset = start + size
