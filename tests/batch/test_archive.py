"""Archives that are sent: their files, or a problem; never more bytes than they claim or the limits allow."""

from __future__ import annotations

import contextlib
import io
import itertools
import struct
import zipfile
from collections.abc import Callable, Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.batch import archive
from gateway.batch.files import BatchFile
from gateway.settings import GatewaySettings
from shared.problems import InvalidArchive, Problem, UnsupportedArchive, UploadTooLarge
from shared.service.spool import Spool

SETTINGS = GatewaySettings(batch_max_files=8, batch_max_bytes=1 << 20)
FILES = {"a.jpg": b"\xff\xd8 and so on" * 30, "sub/b.png": b"\x89PNG", "empty": b""}


def packed(files: Mapping[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as writer:
        for name, data in files.items():
            writer.writestr(name, data)
    return out.getvalue()


def found(data: bytes) -> list[BatchFile]:
    spooled = Spool().create()
    spooled.append(data)
    return archive.files(spooled, SETTINGS)


def read(file: BatchFile) -> bytes:
    return b"".join(file.pieces())


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_files_come_out_as_they_were_put_in(method: int) -> None:
    files = found(packed(FILES, method))
    assert {file.name: read(file) for file in files} == FILES
    assert [file.size for file in files] == [len(data) for data in FILES.values()]


def test_folders_and_what_macos_adds_are_no_files() -> None:
    names = ["sub/", "sub/a.jpg", "sub/.DS_Store", ".DS_Store", "__MACOSX/sub/._a.jpg", "no.DS_Store"]
    files = found(packed(dict.fromkeys(names, b"")))
    assert [file.name for file in files] == ["sub/a.jpg", "no.DS_Store"]


def test_names_are_read_as_they_were_written_even_without_one_and_in_utf8_that_nobody_announced() -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as writer:
        for name in ("", "Füße.jpg", "plain"):
            writer.open(zipfile.ZipInfo(name), "w").close()
    announced = out.getvalue()
    unannounced = patched(announced, lambda data, offset: struct.pack_into("<H", data, offset + 8, 0))
    for data in (announced, unannounced):
        assert [file.name for file in found(data)] == ["", "Füße.jpg", "plain"]
    cp437 = packed({"F--e.jpg": b""}).replace(b"F--e", "Füße".encode("cp437"))
    assert [file.name for file in found(cp437)] == ["Füße.jpg"]


def test_an_archive_without_files_is_none() -> None:
    assert found(packed({})) == []


@given(st.data())
def test_a_damaged_archive_gives_files_or_problems(draws: st.DataObject) -> None:
    data = bytearray(packed(FILES))
    for _ in range(draws.draw(st.integers(0, 4))):
        data[draws.draw(st.integers(0, len(data) - 1))] = draws.draw(st.integers(0, 255))
    del data[draws.draw(st.integers(0, len(data))) :]
    refusals = (InvalidArchive, UnsupportedArchive)
    with contextlib.suppress(*refusals, UploadTooLarge):
        for file in found(bytes(data)):
            with contextlib.suppress(*refusals):
                assert len(read(file)) == file.size


def patched(data: bytes, change: Callable[[bytearray, int], None]) -> bytes:
    """The archive with every entry of its directory changed, `change` gets its offset (APPNOTE 4.3.12)."""
    out, offset = bytearray(data), data.find(b"PK\x01\x02")
    while offset >= 0:
        change(out, offset)
        offset = data.find(b"PK\x01\x02", offset + 1)
    return bytes(out)


def claim(size: int) -> Callable[[bytearray, int], None]:
    return lambda out, offset: struct.pack_into("<L", out, offset + 24, size)


def encrypt(out: bytearray, offset: int) -> None:
    out[offset + 8] |= 1


def test_a_file_that_claims_more_than_it_has_is_damaged() -> None:
    (file,) = found(patched(packed({"a": b"x" * 100}), claim(1000)))
    with pytest.raises(InvalidArchive):
        read(file)


def test_a_file_that_claims_less_than_it_has_gives_no_more_than_that() -> None:
    (file,) = found(patched(packed({"secret": bytes(1 << 20)}), claim(1000)))
    got = bytearray()
    with pytest.raises(InvalidArchive) as refusal:
        got.extend(itertools.chain.from_iterable(file.pieces()))
    assert len(got) <= 1000
    assert "secret" not in refusal.value.detail  # which is logged


@pytest.mark.parametrize(
    ("data", "kind", "setting"),
    [
        (packed({"a": bytes(1 << 20), "b": b"x"}), UploadTooLarge, "GRISAILLE_BATCH_MAX_BYTES"),
        (packed({str(n): b"x" for n in range(9)}), UploadTooLarge, "GRISAILLE_BATCH_MAX_FILES"),
        (patched(packed(FILES), encrypt), UnsupportedArchive, None),
        (packed(FILES)[:-40], InvalidArchive, None),
        (b"PK\x03\x04" + bytes(100), InvalidArchive, None),
    ],
    ids=["a bomb", "too many", "encrypted", "cut", "no archive"],
)
def test_an_archive_is_refused_for_what_it_says_before_anything_is_unpacked(
    data: bytes, kind: type[Problem], setting: str | None
) -> None:
    with pytest.raises(kind) as refusal:
        found(data)
    assert refusal.value.members.get("setting") == setting


def test_a_directory_that_is_far_too_long_is_not_even_read() -> None:
    many = packed({"n" * 60_000 + str(n): b"" for n in range(20)})
    with pytest.raises(UploadTooLarge, match="directory") as refusal:
        found(many)
    assert refusal.value.members["setting"] == "GRISAILLE_BATCH_MAX_FILES"


def test_lzma_is_refused_file_by_file_for_the_memory_it_may_ask_for() -> None:
    (file,) = found(packed({"a": b"x"}, zipfile.ZIP_LZMA))
    with pytest.raises(UnsupportedArchive, match="deflate"):
        read(file)
