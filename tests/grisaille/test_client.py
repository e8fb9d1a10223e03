"""The client against the real service: whatever is given, the picture is what one process makes."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pytest
from support.images import Pixels, grey, jpeg, photo, pixels, png
from support.service import Service, process

from grisaille.client import AsyncClient, Client, Options, Problem
from grisaille.transfer import Source
from shared import options as options_module
from shared.codecs.png import chunks
from shared.options import parse

PICTURE = jpeg(photo(800, 600))
OPTIONS: dict[str, Options] = {
    "another format": {"format": "png", "effort": "balanced"},
    "stripes": {"format": "png", "luma": "bt601-rgb", "stripes": 3},
    "another quality": {"quality": 40, "metadata": "strip"},
}


@pytest.fixture
def client(service: Service) -> Iterator[Client]:
    with Client(service.url) as made:
        yield made


class OneWay(io.BytesIO):
    """As a pipe: cannot be rewound."""

    def seekable(self) -> bool:
        return False

    def seek(self, *_: int) -> int:
        raise io.UnsupportedOperation


def saved(data: bytes) -> Path:
    path = Path("photo.jpg")
    path.write_bytes(data)
    return path


SOURCES: dict[str, Callable[[bytes], Source]] = {
    "a path": saved,
    "its name": lambda data: str(saved(data)),
    "bytes": bytes,
    "a view": memoryview,
    "a file object that stands somewhere": lambda data: standing(io.BytesIO(b"skipped" + data), 7),
    "what cannot be rewound": OneWay,
}


def standing(file: BinaryIO, at: int) -> BinaryIO:
    file.seek(at)
    return file


def wanted(asked: Options) -> Pixels:
    return pixels(grey(PICTURE, parse([(name, str(value)) for name, value in asked.items()])))


@pytest.mark.parametrize("source", SOURCES.values(), ids=SOURCES)
def test_every_source_gives_the_picture_to_every_target(
    client: Client, source: Callable[[bytes], Source], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    out = io.BytesIO()
    to_bytes = client.convert(source(PICTURE))
    to_path = client.convert(source(PICTURE), "grey")
    to_file = client.convert(source(PICTURE), out)
    assert to_path.path == Path("grey")
    for file in (to_bytes.content, Path("grey").read_bytes(), out.getvalue()):
        assert np.array_equal(pixels(file), wanted({}))
        assert len(file) == to_bytes.size
    assert to_path.content == to_file.content == b""
    assert {path.name for path in tmp_path.iterdir()} <= {"grey", "photo.jpg"}


@pytest.mark.parametrize("asked", OPTIONS.values(), ids=OPTIONS)
def test_options_mean_what_they_mean_in_process(client: Client, asked: Options) -> None:
    assert np.array_equal(pixels(client.convert(PICTURE, **asked).content), wanted(asked))


def test_what_comes_back_tells_how_it_came_about(client: Client) -> None:
    converted = client.convert(png(photo(300, 200, 4)), format="jpeg")
    assert converted.format == "jpeg"
    assert converted.notes == ("flattened",)
    assert (converted.plan.kind, converted.plan.reason) == ("whole", "serial-format")
    striped = client.convert(PICTURE, stripes=3)
    assert (striped.plan.kind, striped.plan.stripes, len(striped.parts)) == ("stripes", 3, 3)
    assert all(0 <= part.start < part.end for part in striped.parts)
    assert min(striped.timing.values()) >= 0
    assert striped.request_id
    assert striped.request_id != converted.request_id


def test_progress_grows_to_the_whole_of_both_files_and_may_end_the_conversion(client: Client) -> None:
    class EnoughError(Exception):
        pass

    seen: list[tuple[int, int]] = []
    converted = client.convert(PICTURE, progress=lambda *now: seen.append(now))
    assert seen == sorted(seen)
    assert seen[-1] == (len(PICTURE), converted.size)

    def enough(sent: int, _received: int) -> None:
        if sent:
            raise EnoughError

    with pytest.raises(EnoughError):
        client.convert(PICTURE, progress=enough)


def test_a_problem_is_raised_with_all_its_members_and_leaves_the_target_alone(
    client: Client, tmp_path: Path
) -> None:
    target = tmp_path / "grey.png"
    target.write_bytes(b"before")
    giant = chunks.ihdr(chunks.PngHeader(200_000, 200_000, 8, chunks.RGB, interlaced=False))
    with pytest.raises(Problem) as raised:
        client.convert(giant, target)
    problem = raised.value
    assert (problem.status, problem.type) == (422, "image-too-large")
    assert (problem.limit, problem.actual) == (1_100_000_000, 40_000_000_000)
    assert problem.setting == "GRISAILLE_MAX_PIXELS"
    assert problem.request_id
    assert problem.detail in str(problem)
    assert target.read_bytes() == b"before"
    assert list(tmp_path.iterdir()) == [target]


def test_an_option_is_judged_by_the_service(client: Client) -> None:
    with pytest.raises(Problem, match="bt601") as raised:
        client.convert(PICTURE, luma="purple")
    assert (raised.value.status, raised.value.type) == (400, "invalid-option")


def test_an_upload_over_the_limit_is_told_so_though_it_is_still_under_way() -> None:
    with process("-m", "gateway", max_upload_bytes=1000) as url:
        with Client(url) as client, pytest.raises(Problem) as raised:
            client.convert(bytes(30 << 20))
        assert (raised.value.status, raised.value.setting) == (413, "GRISAILLE_MAX_UPLOAD_BYTES")
        assert raised.value.actual == 30 << 20


def test_the_options_are_those_of_the_service() -> None:
    assert list(Options.__annotations__) == [option.name for option in options_module.TABLE]


@pytest.mark.parametrize("url", ["", "localhost:5006", "ftp://localhost", "http://", "http://[::1"])
def test_what_is_no_url_of_a_service_is_refused_at_once(url: str) -> None:
    with pytest.raises(ValueError, match="is not a URL"):
        Client(url)


@pytest.mark.parametrize("source", SOURCES.values(), ids=SOURCES)
def test_the_asynchronous_client_does_the_same(
    service: Service, source: Callable[[bytes], Source], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    async def run() -> list[bytes]:
        out = io.BytesIO()
        async with AsyncClient(service.url) as client:
            made, _, _ = await asyncio.gather(
                client.convert(source(PICTURE)),
                client.convert(source(PICTURE), "grey"),
                client.convert(source(PICTURE), out),
            )
            with pytest.raises(Problem):
                await client.convert(source(PICTURE[:5000]), "grey")
        return [made.content, out.getvalue()]

    made = {*asyncio.run(run()), Path("grey").read_bytes()}
    assert made == {grey(PICTURE, options_module.Options())}


def test_a_cancelled_conversion_leaves_nothing_behind(service: Service, tmp_path: Path) -> None:
    def names() -> list[str]:
        return [path.suffix for path in tmp_path.iterdir()]

    async def run() -> None:
        receiving = asyncio.Event()

        def progress(_sent: int, received: int) -> None:
            if received:
                receiving.set()

        async with AsyncClient(service.url) as client:
            source = png(photo(2000, 1500), compress_level=1)
            converting = asyncio.ensure_future(
                client.convert(source, tmp_path / "grey.png", progress=progress)
            )
            await receiving.wait()
            assert names() == [".part"]
            converting.cancel()
            with pytest.raises(asyncio.CancelledError):
                await converting
        assert names() == []

    asyncio.run(run())
