"""The worker's slots and their queue, with real threads that work until a test lets them go."""

from __future__ import annotations

import asyncio
import functools
import threading
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import TypeVar

import pytest
from prometheus_client import CollectorRegistry

from shared.problems import DeadlineExceeded, Overloaded
from worker.metrics import WorkerMetrics
from worker.slots import Cancel, CancelledByClientError, Slots

_T = TypeVar("_T")
PATIENCE = 20
"""Seconds until a test that hangs fails instead; none needs any of them."""


async def never_gone() -> None:
    """A client that stays."""
    await asyncio.Event().wait()


def patient() -> Cancel:
    return Cancel(PATIENCE)


class Bench:
    """Slots, their metrics, and work that stays in its slot until `release` is set."""

    def __init__(self, slots: int, queue: int, cpus: int = 2) -> None:
        self.registry = CollectorRegistry()
        self.slots = Slots(slots, queue, WorkerMetrics(self.registry), cpus)
        self.release = threading.Event()
        self._loop = asyncio.get_running_loop()

    def metric(self, name: str) -> float | None:
        return self.registry.get_sample_value(f"grisaille_worker_{name}")

    async def run(self, work: Callable[[Cancel], _T], cancel: Cancel | None = None) -> _T:
        """As the worker's route does it: admitted first, then in a slot."""
        async with self.slots.admitted():
            return await self.slots.run(work, cancel or patient(), never_gone)

    async def occupied(self) -> asyncio.Task[str]:
        """A conversion that has begun and stays in its slot."""
        begun = asyncio.Event()

        def work(_: Cancel) -> str:
            self._loop.call_soon_threadsafe(begun.set)
            self.release.wait(PATIENCE)
            return "done"

        task = asyncio.create_task(self.run(work))
        await begun.wait()
        return task

    async def queued(self, work: Callable[[Cancel], _T], cancel: Cancel | None = None) -> asyncio.Task[_T]:
        """A conversion that waits for a slot."""
        before = self.slots.load
        task = asyncio.create_task(self.run(work, cancel))
        while self.slots.load == before:
            await asyncio.sleep(0)
        return task


@asynccontextmanager
async def bench(slots: int = 1, queue: int = 1, cpus: int = 2) -> AsyncIterator[Bench]:
    made = Bench(slots, queue, cpus)
    try:
        async with asyncio.timeout(PATIENCE):
            yield made
    finally:
        made.release.set()
        made.slots.close()


def run(test: Callable[[], Coroutine[None, None, None]]) -> None:
    asyncio.run(test())


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


# Work in vain


def test_work_whose_deadline_is_past_is_not_started() -> None:
    begun: list[str] = []

    async def test() -> None:
        async with bench() as b:
            with pytest.raises(DeadlineExceeded):
                await b.run(lambda _: begun.append("begun"), Cancel(-0.001))
            assert b.slots.load == "0/1/0"

    run(test)
    assert begun == []


def test_work_whose_deadline_passed_while_it_waited_is_not_started() -> None:
    begun: list[str] = []

    async def test() -> None:
        async with bench() as b:
            first = await b.occupied()
            cancel = Cancel(0.01)
            late = await b.queued(lambda _: begun.append("begun"), cancel)
            while cancel.seconds_left >= 0:
                await asyncio.sleep(0)
            b.release.set()
            with pytest.raises(DeadlineExceeded):
                await late
            assert await first == "done"

    run(test)
    assert begun == []


def test_work_whose_client_left_while_it_waited_is_not_started() -> None:
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
                b.release.set()
                with pytest.raises(CancelledByClientError):
                    await task
            await first

    run(test)
    assert begun == []


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
            async with asyncio.timeout(1):
                await unwatched.wait()

    run(test)


# Told to whoever watches


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
