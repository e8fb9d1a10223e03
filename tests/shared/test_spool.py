"""Spool files: the bytes that went in, no more room than allowed, and nothing left behind."""

from __future__ import annotations

import asyncio
import contextlib
import resource
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.codecs.pages import WINDOW, passed
from shared.problems import Overloaded
from shared.service.buffers import Buffers
from shared.service.spool import SLICE, Growing, Spool, file_of, slices

PIECES = st.lists(st.binary(max_size=500), max_size=30)


async def _sent(data: memoryview) -> bytes:
    """What a client would get of some data of a file."""
    file = file_of(data)
    assert file is not None
    return b"".join([part async for part in slices(file, data)])


@given(pieces=PIECES.filter(any), cut=st.data())
def test_a_file_gives_back_its_bytes_by_its_map_and_in_slices(
    pieces: list[bytes], cut: st.DataObject
) -> None:
    file = Spool().create()
    for piece in pieces:
        file.append(piece)
    whole, data = b"".join(pieces), file.map()
    assert data == whole
    start = cut.draw(st.integers(0, len(whole)))
    end = cut.draw(st.integers(start, len(whole)))
    assert asyncio.run(_sent(data[start:end])) == whole[start:end]


def test_a_file_longer_than_a_slice_is_sent_whole() -> None:
    whole = bytes(range(256)) * (3 * SLICE // 256) + b"and more"
    file = Spool().create(len(whole))
    data = file.map()
    file.append(whole)
    assert asyncio.run(_sent(data)) == whole


@given(pieces=PIECES, above=st.integers(1, 3000))
def test_collecting_keeps_all_bytes_and_of_many_none_in_memory(pieces: list[bytes], above: int) -> None:
    spool = Spool(above=above)
    kept = spool.collected(iter(pieces))
    size = sum(map(len, pieces))
    assert b"".join(kept) == b"".join(pieces)
    assert [file_of(piece) is not None for piece in kept if size > above] == [True] * (size > above)
    assert spool.used == (size if size > above else 0)
    del kept
    assert spool.used == 0


@given(pieces=PIECES, above=st.integers(1, 3000))
def test_a_body_of_unknown_size_grows_from_memory_into_a_file(pieces: list[bytes], above: int) -> None:
    async def grown() -> memoryview:
        body = Growing(spool)
        for number, piece in enumerate(pieces):
            body.add(piece)
            assert len(body) == sum(map(len, pieces[: number + 1]))
            await body.settle()
        return await body.complete()

    spool = Spool(above=above)
    body = asyncio.run(grown())
    assert body == b"".join(pieces)
    assert (file_of(body) is not None) == (len(body) > above)


def test_buffers_are_in_memory_up_to_the_threshold() -> None:
    buffers = Buffers(Spool(above=1000))
    assert file_of(buffers.take(1000)) is None
    assert file_of(buffers.take(1001)) is not None


@given(ranges=st.lists(st.tuples(st.integers(0, 3 * WINDOW), st.integers(0, 3 * WINDOW)), max_size=5))
def test_pages_that_are_given_back_keep_their_bytes(ranges: list[tuple[int, int]]) -> None:
    data = MAPPED[100:]
    data[0] = 1  # through the map, as restart markers are renumbered
    for start, end in map(sorted, ranges):
        passed(data, start, min(end, len(data)))
    assert data[0] == 1
    assert bytes(data[1::4099]) == WHOLE[101::4099]


WHOLE = bytes(range(251)) * (3 * WINDOW // 251)


def _mapped() -> memoryview:
    file = Spool().create(len(WHOLE))
    file.append(WHOLE)
    return file.map()


MAPPED = _mapped()


def _resident_files() -> int:
    status = Path("/proc/self/status").read_text()
    return int(status.split("RssFile:")[1].split()[0]) << 10


def test_pages_that_are_given_back_do_not_count_as_resident() -> None:
    size = 32 << 20
    file = Spool().create(size)
    file.append(bytes(size))
    data, before = file.map(), _resident_files()
    assert not any(data[::4096])
    assert _resident_files() - before > size // 2
    passed(data, 0, size)
    assert _resident_files() - before < size // 4


def test_together_files_have_no_more_bytes_than_allowed() -> None:
    spool = Spool(limit=1000)
    first = spool.create(600)
    with pytest.raises(Overloaded) as refused:
        spool.create(401)
    assert refused.value.members == {
        "limit": 1000,
        "actual": 1001,
        "setting": "GRISAILLE_SPOOL_MAX_BYTES",
    }
    growing = spool.create()
    growing.append(bytes(400))
    with pytest.raises(Overloaded):
        growing.append(b"x")
    del first
    growing.append(b"x")
    assert spool.used == 401


@contextlib.contextmanager
def _largest_file(size: int) -> Iterator[None]:
    """A disk that is full, for this process."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_full_disk_is_a_problem_that_names_the_folders_setting() -> None:
    file = Spool().create()
    with _largest_file(1000), pytest.raises(Overloaded, match="GRISAILLE_SPOOL_DIR"):
        file.append(bytes(1001))


def test_a_folder_that_is_not_there_is_the_same_problem(tmp_path: Path) -> None:
    with pytest.raises(Overloaded, match="GRISAILLE_SPOOL_DIR"):
        Spool(tmp_path / "nowhere").create()


def test_files_have_no_names(tmp_path: Path) -> None:
    file = Spool(tmp_path).create()
    file.append(b"bytes")
    assert list(tmp_path.iterdir()) == []
