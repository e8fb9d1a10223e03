"""Room for bytes and conversions, in virtual time: never too much, in order, refused after a short wait."""

from __future__ import annotations

import asyncio
import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.virtual import now, virtually

from gateway.admission import Admission, Gate, Shortage, expected_bytes
from gateway.settings import GatewaySettings
from shared.codecs.formats import Format
from shared.codecs.headers import ImageHeader
from shared.problems import Overloaded

WAIT = 1.0


def gate(limit: int) -> Gate:
    return Gate(lambda: limit, "things", "GRISAILLE_THINGS", lambda: None)


@given(
    st.integers(1, 20),
    st.lists(st.tuples(st.integers(1, 30), st.floats(0, 3), st.floats(0, 2)), min_size=1, max_size=30),
)
def test_what_is_in_use_never_passes_the_limit_but_for_one_alone_and_all_comes_back(
    limit: int, visits: list[tuple[int, float, float]]
) -> None:
    room = gate(limit)
    inside: list[int] = []

    async def visit(size: int, begin: float, stay: float) -> None:
        await asyncio.sleep(begin)
        arrived = now()
        try:
            async with room.entered(size, WAIT):
                assert now() - arrived <= WAIT
                inside.append(size)
                assert sum(inside) <= room.used
                assert sum(inside) <= limit or len(inside) == 1
                await asyncio.sleep(stay)
                inside.remove(size)
        except Overloaded:
            assert now() - arrived == pytest.approx(WAIT)

    async def everyone() -> None:
        await asyncio.gather(*(visit(*one) for one in visits))

    virtually(everyone())
    assert room.used == 0


def test_those_who_wait_are_let_in_in_order_a_large_one_too() -> None:
    room, order = gate(4), list[str]()

    async def visit(name: str, size: int) -> None:
        async with room.entered(size, WAIT):
            order.append(name)
            await asyncio.sleep(0.1)

    async def everyone() -> None:
        await asyncio.gather(visit("first", 3), visit("large", 4), visit("small", 1), visit("last", 4))

    virtually(everyone())
    assert order == ["first", "large", "small", "last"]


def test_who_goes_away_while_waiting_leaves_nothing_behind() -> None:
    room = gate(1)

    async def run() -> None:
        async with room.entered(1, WAIT):
            leaving = [asyncio.create_task(room.enter(1, WAIT)) for _ in range(3)]
            await asyncio.sleep(0.1)
            for task in leaving:
                task.cancel()
            await asyncio.gather(*leaving, return_exceptions=True)
        async with asyncio.timeout(0.1), room.entered(1, WAIT):
            pass

    virtually(run())
    assert room.used == 0


def test_who_is_let_in_at_the_moment_it_gives_up_gives_its_room_back() -> None:
    room = gate(1)

    async def run() -> None:
        await room.enter(1, WAIT)
        waiting = asyncio.create_task(room.enter(1, WAIT))
        await asyncio.sleep(0.1)
        room.leave(1)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)

    virtually(run())
    assert room.used == 0


def test_a_request_that_must_grow_goes_before_those_who_hold_nothing() -> None:
    admission = Admission.of(GatewaySettings(max_bytes_held=100), lambda: 1, lambda _: None)

    async def run() -> list[str]:
        order: list[str] = []
        holding, other, waiting = admission.lease(), admission.lease(), admission.lease()
        await holding.grow(50)
        await other.grow(50)

        async def grow(name: str, size: int) -> None:
            await (holding if name == "holding" else waiting).grow(size)
            order.append(name)

        tasks = [asyncio.create_task(grow("waiting", 20)), asyncio.create_task(grow("holding", 90))]
        await asyncio.sleep(0.1)
        other.shrink()
        await asyncio.sleep(0.1)
        holding.shrink()
        await asyncio.gather(*tasks)
        waiting.shrink()
        return order

    assert virtually(run()) == ["holding", "waiting"]
    assert admission.bytes_held == 0


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 100)), max_size=30))
def test_a_lease_holds_what_it_was_told_last_and_gives_all_back(changes: list[tuple[bool, int]]) -> None:
    admission = Admission.of(GatewaySettings(max_bytes_held=100), lambda: 1, lambda _: None)

    async def run() -> None:
        lease, held = admission.lease(), 0
        for grows, size in changes:
            if grows:
                await lease.grow(size)
            else:
                lease.shrink(size)
            held = max(held, size) if grows else min(held, size)
            assert admission.bytes_held == held
        lease.shrink()

    virtually(run())
    assert admission.bytes_held == 0


def test_conversions_grow_with_the_slots_of_the_workers() -> None:
    slots = 1
    told: list[Shortage] = []

    async def run(count: int) -> None:
        async with contextlib.AsyncExitStack() as inside:
            for _ in range(count):
                await inside.enter_async_context(admission.conversion())
            with pytest.raises(Overloaded, match="GRISAILLE_CONVERSIONS_PER_SLOT"):
                await inside.enter_async_context(admission.conversion())

    admission = Admission.of(GatewaySettings(conversions_per_slot=3), lambda: slots, told.append)
    virtually(run(4))
    slots = 10
    virtually(run(30))
    assert told == [Shortage.CONVERSIONS] * 2


@pytest.mark.parametrize(
    ("source", "written", "expected"),
    [
        (ImageHeader(Format.JPEG, 100, 50), Format.PNG, 5000),
        (ImageHeader(Format.JPEG, 100, 50), Format.JPEG, 700),
        (ImageHeader(Format.PNG, 100, 50), Format.JPEG, 2500),
        (ImageHeader(Format.PNG, 100, 50), Format.TIFF, 5000),
        (ImageHeader(Format.PNG, 30_000, 30_000), Format.PNG, 11_200),
        (ImageHeader(Format.TIFF, 50, 40, pixel_bytes=4), Format.PNG, 8000),
        (ImageHeader(Format.GIF), Format.PNG, 1400),
    ],
)
def test_a_result_is_expected_by_its_header(source: ImageHeader, written: Format, expected: int) -> None:
    assert expected_bytes(source, written, 700) == expected


@pytest.mark.parametrize(("waited", "left"), [(0.0, 1.0), (0.7, 0.3), (5.0, 0.0)])
def test_of_a_wait_that_began_before_only_the_rest_is_left(waited: float, left: float) -> None:
    async def run() -> float:
        admission = Admission.of(GatewaySettings(max_bytes_held=1), lambda: 1, lambda _: None)
        await admission.lease().grow(1)
        begin = now()
        with pytest.raises(Overloaded):
            await admission.lease().grow(1, waited=waited)
        return now() - begin

    assert virtually(run()) == pytest.approx(left)


def test_who_is_patient_waits_longer_at_the_same_gates() -> None:
    async def run() -> float:
        admission = Admission.of(GatewaySettings(max_bytes_held=1), lambda: 1, lambda _: None)
        await admission.lease().grow(1)
        begin = now()
        with pytest.raises(Overloaded):
            await admission.patient(60).lease().grow(1)
        return now() - begin

    assert virtually(run()) == pytest.approx(60)


def test_what_is_in_files_takes_no_room_in_memory_and_has_a_limit_of_its_own() -> None:
    told: list[Shortage] = []
    settings = GatewaySettings(max_bytes_held=100, spool_bytes=50, spool_max_bytes=1000)
    admission = Admission.of(settings, lambda: 1, told.append)

    async def run() -> list[int]:
        large, other, small = admission.lease(), admission.lease(), admission.lease()
        await large.grow(600, 40)
        held = [admission.bytes_held]
        with pytest.raises(Overloaded, match="GRISAILLE_SPOOL_MAX_BYTES"):
            await other.grow(401)
        await small.grow(50, 10)
        held.append(admission.bytes_held)
        large.shrink(40)
        await other.grow(401)
        held.append(admission.bytes_held)
        for lease in (large, other, small):
            lease.shrink()
        return held

    assert virtually(run()) == [40, 100, 100]
    assert told == [Shortage.SPOOL]
    assert admission.bytes_held == 0
