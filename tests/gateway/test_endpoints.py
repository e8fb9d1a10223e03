"""Where workers are: every source keeps its last good answer, and believes emptiness only the second time."""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.virtual import virtually

from gateway.fanout import endpoints
from gateway.fanout.endpoints import DnsEndpoints, FileEndpoints, StaticEndpoints, parse

ONE, TWO = ["10.0.0.1"], ["10.0.0.2", "10.0.0.1"]
EMPTY: list[str] = []
DEAD = socket.gaierror(socket.EAI_AGAIN, "temporary failure")
UNKNOWN = LookupError("no such name")


def seen(*answers: list[str] | Exception) -> list[tuple[str, ...]]:
    """What is current after each answer of the name server."""
    left = list(answers)

    async def lookup(name: str, port: int) -> list[str]:
        assert (name, port) == ("workers", 8000)
        answer = left.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def ask() -> list[tuple[str, ...]]:
        source, found = DnsEndpoints("workers", 8000, lookup), []
        for _ in answers:
            await source.refresh()
            found.append(source.current())
        return found

    return asyncio.run(ask())


URL1, URL2 = "http://10.0.0.1:8000", "http://10.0.0.2:8000"


@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        ([ONE, TWO, ONE], [(URL1,), (URL1, URL2), (URL1,)]),
        ([TWO, DEAD, DEAD, DEAD], [(URL1, URL2)] * 4),
        ([TWO, TimeoutError(), ONE], [(URL1, URL2), (URL1, URL2), (URL1,)]),
        ([ONE, EMPTY, ONE, EMPTY, ONE], [(URL1,)] * 5),
        ([ONE, EMPTY, EMPTY, TWO], [(URL1,), (URL1,), (), (URL1, URL2)]),
        ([ONE, UNKNOWN, UNKNOWN], [(URL1,), (URL1,), ()]),
        ([ONE, EMPTY, DEAD, EMPTY], [(URL1,), (URL1,), (URL1,), ()]),
        ([ONE + ONE], [(URL1,)]),
        ([["fd00::1"]], [("http://[fd00::1]:8000",)]),
    ],
)
def test_dns(answers: list[list[str] | Exception], expected: list[tuple[str, ...]]) -> None:
    assert seen(*answers) == expected


def test_a_name_server_that_hangs_is_waited_for_briefly_and_changes_nothing() -> None:
    async def hanging(_: str, __: int) -> list[str]:
        await asyncio.get_running_loop().create_future()
        raise AssertionError

    async def ask() -> float:
        source = DnsEndpoints("workers", 8000, hanging)
        await source.refresh()
        assert source.current() == ()
        return asyncio.get_running_loop().time()

    assert virtually(ask()) == pytest.approx(5.0)


def test_the_systems_resolver_is_asked() -> None:
    assert "127.0.0.1" in asyncio.run(endpoints.addresses("localhost", 80))
    with pytest.raises(LookupError):
        asyncio.run(endpoints.addresses("no-such-name.invalid", 80))


def test_a_file_is_read_anew_and_a_missing_one_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "worker list"
    source = parse(path.as_uri())
    assert isinstance(source, FileEndpoints)

    def current() -> tuple[str, ...]:
        asyncio.run(source.refresh())
        return source.current()

    assert current() == ()
    path.write_text("http://a:1/\n\n  http://b:2\n")
    assert current() == ("http://a:1", "http://b:2")
    path.unlink()
    assert current() == ("http://a:1", "http://b:2")
    path.write_text("")
    assert current() == ()


@pytest.mark.parametrize(
    ("setting", "kind"),
    [
        ("http://a:8000", StaticEndpoints),
        ("http://a:8000, http://b:8000/", StaticEndpoints),
        ("dns://workers.default.svc:8000", DnsEndpoints),
        ("file:///run/workers", FileEndpoints),
    ],
)
def test_the_setting_names_the_source(setting: str, kind: type) -> None:
    assert type(parse(setting)) is kind


@given(
    st.sampled_from(["", ",", "workers", "workers:8000", "dns://workers", "dns://:1", "file:", "ftp://a:1"])
    | st.text(alphabet="abc:/,.0", max_size=8)
)
def test_nonsense_is_refused_by_name(setting: str) -> None:
    with pytest.raises(ValueError, match="GRISAILLE_WORKERS"):
        parse(setting)


def test_updates_go_on_whatever_the_source_does() -> None:
    async def run() -> list[tuple[str, ...]]:
        answers: list[list[str] | Exception] = [ONE, DEAD, TWO]
        updates: list[tuple[str, ...]] = []

        async def lookup(_: str, __: int) -> list[str]:
            answer = answers.pop(0) if answers else TWO
            if isinstance(answer, Exception):
                raise answer
            return answer

        source = DnsEndpoints("workers", 8000, lookup)
        following = asyncio.create_task(endpoints.follow(source, updates.append, 1.0))
        await asyncio.sleep(2.5)
        following.cancel()
        return updates

    assert virtually(run()) == [(URL1,), (URL1,), (URL1, URL2)]
