"""The worker's slots and their queue: how many run, what waits, what is refused, and what is told of it."""

from __future__ import annotations

import asyncio
import functools
import threading

import pytest
from support.slots import PATIENCE, bench, run

from shared.problems import Overloaded
from worker.slots import Cancel


def test_work_gives_its_result_and_leaves_its_slot_free() -> None:
    async def test() -> None:
        async with bench() as b:
            assert [await b.run(lambda _: "first"), await b.run(lambda _: "second")] == ["first", "second"]
            assert b.slots.load == "0/1/0"

    run(test)


def test_work_that_fails_raises_its_own_error_and_leaves_its_slot_free() -> None:
    def broken(_: Cancel) -> None:
        raise ZeroDivisionError

    async def test() -> None:
        async with bench() as b:
            for _ in range(5):
                with pytest.raises(ZeroDivisionError):
                    await b.run(broken)
            assert b.slots.load == "0/1/0"

    run(test)


def test_work_runs_in_a_thread_of_its_own_and_not_on_the_event_loop() -> None:
    async def test() -> None:
        async with bench() as b:
            assert await b.run(lambda _: threading.current_thread()) is not threading.current_thread()

    run(test)


def test_a_full_queue_refuses_at_once_with_limit_actual_value_and_setting() -> None:
    async def test() -> None:
        async with bench(slots=1, queue=2) as b:
            first = await b.occupied()
            waiting = [await b.queued(lambda _: "later") for _ in range(2)]
            with pytest.raises(Overloaded) as refused:
                await b.run(lambda _: "never")
            assert refused.value.members == {"limit": 3, "actual": 4, "setting": "GRISAILLE_QUEUE"}
            assert refused.value.retry_after is not None
            assert b.slots.load == "1/1/2"
            b.release.set()
            assert [await first, *[await task for task in waiting]] == ["done", "later", "later"]

    run(test)


def test_a_refusal_takes_no_place_so_the_next_is_welcome_when_one_is_free() -> None:
    async def test() -> None:
        async with bench(slots=1, queue=0) as b:
            first = await b.occupied()
            for _ in range(10):
                with pytest.raises(Overloaded):
                    await b.run(lambda _: None)
            b.release.set()
            await first
            assert await b.run(lambda _: "welcome") == "welcome"

    run(test)


def test_the_load_tells_what_runs_of_how_many_slots_and_what_waits() -> None:
    async def test() -> None:
        async with bench(slots=2, queue=4) as b:
            loads = [b.slots.load]
            async with b.slots.admitted():
                loads.append(b.slots.load)
            tasks = []
            for _ in range(2):
                tasks.append(await b.occupied())
                loads.append(b.slots.load)
            tasks.append(await b.queued(lambda _: "later"))
            loads.append(b.slots.load)
            b.release.set()
            await asyncio.gather(*tasks)
            loads.append(b.slots.load)
            assert loads == ["0/2/0", "0/2/1", "1/2/0", "2/2/0", "2/2/1", "0/2/0"]

    run(test)


def test_a_conversion_is_alone_while_nobody_else_was_admitted() -> None:
    async def test() -> None:
        async with bench(slots=2, queue=2) as b, b.slots.admitted():
            assert b.slots.is_alone
            async with b.slots.admitted():
                assert not b.slots.is_alone
            assert b.slots.is_alone

    run(test)


@pytest.mark.parametrize(("cpus", "overlaps"), [(1, False), (2, True)])
def test_stages_overlap_where_there_are_cpus_for_them(cpus: int, *, overlaps: bool) -> None:
    async def test() -> None:
        async with bench(slots=2, queue=2, cpus=cpus) as b, b.slots.admitted():
            assert b.slots.may_overlap is overlaps
            async with b.slots.admitted():
                assert not b.slots.may_overlap

    run(test)


def test_never_more_conversions_run_than_there_are_slots_and_all_slots_are_used() -> None:
    together = threading.Barrier(2, timeout=PATIENCE)
    lock = threading.Lock()
    running: list[int] = [0]
    peaks: list[int] = []

    def work(_: Cancel) -> None:
        with lock:
            running[0] += 1
            peaks.append(running[0])
        together.wait()
        with lock:
            running[0] -= 1

    async def test() -> None:
        async with bench(slots=2, queue=10) as b:
            await asyncio.gather(*(b.run(work) for _ in range(8)))

    run(test)
    assert max(peaks) == 2
    assert len(peaks) == 8


def test_work_is_done_in_the_order_in_which_it_came() -> None:
    done: list[int] = []

    def noted(number: int, _: Cancel) -> None:
        done.append(number)

    async def test() -> None:
        async with bench(slots=1, queue=10) as b:
            first = await b.occupied()
            tasks = [await b.queued(functools.partial(noted, number)) for number in range(8)]
            b.release.set()
            await asyncio.gather(first, *tasks)

    run(test)
    assert done == list(range(8))


def test_metrics_count_what_runs_what_waited_and_what_was_converted() -> None:
    async def test() -> None:
        async with bench(slots=2, queue=0) as b:
            assert (b.metric("slots"), b.metric("running")) == (2, 0)
            task = await b.occupied()
            assert b.metric("running") == 1
            b.release.set()
            await task
            assert b.metric("running") == 0
            assert (b.metric("queue_seconds_count"), b.metric("conversion_seconds_count")) == (1, 1)

    run(test)


def test_closing_waits_for_work_that_runs() -> None:
    async def test() -> None:
        async with bench() as b:
            task = await b.occupied()
            closed = asyncio.create_task(asyncio.to_thread(b.slots.close))
            assert await asyncio.wait({closed}, timeout=0.05) == (set(), {closed})
            b.release.set()
            await closed
            assert await task == "done"

    run(test)
