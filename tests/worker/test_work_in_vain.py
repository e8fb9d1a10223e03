"""Work that nobody waits for any more: never started, or ended soon, and no other's harm."""

from __future__ import annotations

import asyncio

import pytest
from support.slots import PATIENCE, bench, never_gone, patient, run

from shared.problems import DeadlineExceeded
from worker.slots import Cancel, CancelledByClientError


def test_work_whose_deadline_is_past_is_not_started() -> None:
    begun: list[str] = []

    async def test() -> None:
        async with bench() as b:
            with pytest.raises(DeadlineExceeded):
                await b.run(lambda _: begun.append("begun"), Cancel(-0.001))
            assert b.slots.load == "0/1/0"

    run(test)
    assert begun == []


def test_work_whose_deadline_passed_while_it_waited_is_not_started_and_waits_no_longer() -> None:
    begun: list[str] = []

    async def test() -> None:
        async with bench() as b:
            first = await b.occupied()
            late = await b.queued(lambda _: begun.append("begun"), Cancel(0.01))
            with pytest.raises(DeadlineExceeded):
                await late
            assert b.slots.load == "1/1/0"
            b.release.set()
            assert await first == "done"
            assert await b.run(lambda _: "next") == "next"

    run(test)
    assert begun == []


def test_work_whose_client_left_while_it_waited_is_not_started_and_waits_no_longer() -> None:
    begun: list[str] = []

    async def test() -> None:
        left = asyncio.Event()
        async with bench(slots=1, queue=1) as b:
            first = await b.occupied()
            async with b.slots.admitted():
                task = asyncio.create_task(
                    b.slots.run(lambda _: begun.append("begun"), patient(), lambda: _until(left))
                )
                await asyncio.sleep(0)
                left.set()
                with pytest.raises(CancelledByClientError):
                    await task
            b.release.set()
            await first
            assert await b.run(lambda _: "next") == "next"

    run(test)
    assert begun == []


@pytest.mark.parametrize("moment", range(4))
def test_a_slot_that_comes_free_as_its_next_is_given_up_is_not_lost(moment: int) -> None:
    async def test() -> None:
        async with bench(slots=1, queue=1) as b:
            first = await b.occupied()
            late = await b.queued(lambda _: "late")
            b.release.set()
            await first
            for _ in range(moment):
                await asyncio.sleep(0)
            late.cancel()
            await asyncio.wait([late])
            assert await b.run(lambda _: "next") == "next"

    run(test)


async def _until(event: asyncio.Event) -> None:
    await event.wait()


def test_running_work_sees_its_cancel_flag_once_its_client_has_left() -> None:
    async def test() -> None:
        left, begun = asyncio.Event(), asyncio.Event()
        loop = asyncio.get_running_loop()

        def work(cancel: Cancel) -> None:
            cancel.check()
            loop.call_soon_threadsafe(begun.set)
            while True:
                cancel.check()

        async with bench() as b:
            task = asyncio.create_task(b.slots.run(work, patient(), lambda: _until(left)))
            await begun.wait()
            left.set()
            with pytest.raises(CancelledByClientError):
                await task
            assert await b.run(lambda _: "next") == "next"

    run(test)


def test_running_work_sees_its_deadline_pass() -> None:
    def work(cancel: Cancel) -> None:
        while True:
            cancel.check()

    async def test() -> None:
        async with bench() as b:
            with pytest.raises(DeadlineExceeded):
                await b.run(work, Cancel(0.02))

    run(test)


def test_one_client_that_leaves_cancels_no_other_s_work() -> None:
    async def test() -> None:
        async with bench(slots=2, queue=0) as b:
            stays = await b.occupied()
            with pytest.raises(CancelledByClientError):
                await b.slots.run(_spin, patient(), _at_once)
            assert not stays.done()
            b.release.set()
            assert await stays == "done"

    run(test)


def _spin(cancel: Cancel) -> None:
    while True:
        cancel.check()


async def _at_once() -> None:
    """A client that is gone already."""


def test_a_flag_that_nobody_raised_lets_work_go_on_until_its_deadline() -> None:
    cancel = patient()
    cancel.check()
    assert 0 < cancel.seconds_left <= PATIENCE
    cancel.client_gone()
    with pytest.raises(CancelledByClientError):
        cancel.check()


def test_a_client_is_watched_only_as_long_as_its_work_is_wanted() -> None:
    async def test() -> None:
        unwatched = asyncio.Event()

        async def gone() -> None:
            try:
                await never_gone()
            finally:
                unwatched.set()

        async with bench() as b:
            await b.slots.run(lambda _: None, patient(), gone)
            await unwatched.wait()

    run(test)
