"""Hedged attempts, in virtual time."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.virtual import now, virtually

from gateway.fanout.hedge import Lateness, hedged


class FailedError(Exception):
    """An attempt brought no answer."""


@dataclass
class Try:
    """An attempt that ends after so many seconds, well or badly, and tells what became of it."""

    name: str
    seconds: float
    good: bool = True
    history: list[str] = field(default_factory=list)

    async def __call__(self) -> str:
        self.history.append(f"began {now():g}")
        try:
            await asyncio.sleep(self.seconds)
        except asyncio.CancelledError:
            self.history.append(f"cancelled {now():g}")
            raise
        self.history.append(f"ended {now():g}")
        if not self.good:
            raise FailedError(self.name)
        return self.name


@dataclass
class Outcome:
    """An answer's or an error's name, and when it came."""

    name: str
    good: bool
    at: float


def run(first: Try, second: Callable[[], Awaitable[str] | None], delay: float | None) -> Outcome:
    """What `hedged` makes of two attempts; nothing may be left running."""

    async def observed() -> Outcome:
        try:
            outcome = Outcome(await hedged(first, second, delay), good=True, at=now())
        except FailedError as failure:
            outcome = Outcome(str(failure), good=False, at=now())
        assert asyncio.all_tasks() == {asyncio.current_task()}
        return outcome

    return virtually(observed())


def test_a_first_attempt_that_is_fast_never_starts_a_second() -> None:
    first, second = Try("first", 1), Try("second", 1)
    assert run(first, second, 2) == Outcome("first", good=True, at=1)
    assert second.history == []


def test_a_first_attempt_that_is_slow_is_beaten_by_the_second_and_cancelled() -> None:
    first, second = Try("first", 10), Try("second", 1)
    assert run(first, second, 2) == Outcome("second", good=True, at=3)
    assert first.history == ["began 0", "cancelled 3"]
    assert second.history == ["began 2", "ended 3"]


def test_a_first_attempt_that_is_late_may_still_win_and_the_second_is_cancelled() -> None:
    first, second = Try("first", 3), Try("second", 10)
    assert run(first, second, 2) == Outcome("first", good=True, at=3)
    assert second.history == ["began 2", "cancelled 3"]


def test_without_a_delay_there_is_no_second_attempt_however_long_the_first_takes() -> None:
    second = Try("second", 0)
    assert run(Try("first", 3600), second, None) == Outcome("first", good=True, at=3600)
    assert second.history == []


def test_where_no_hedge_is_allowed_the_first_attempt_is_waited_for() -> None:
    asked = []

    def refused() -> None:
        asked.append(now())

    assert run(Try("first", 10), refused, 2) == Outcome("first", good=True, at=10)
    assert asked == [2]


def test_a_hedge_that_fails_never_beats_an_answer_on_its_way() -> None:
    first = Try("first", 10)
    assert run(first, Try("second", 1, good=False), 2) == Outcome("first", good=True, at=10)
    assert first.history == ["began 0", "ended 10"]


def test_a_first_attempt_that_fails_never_beats_a_hedge_on_its_way() -> None:
    assert run(Try("first", 3, good=False), Try("second", 8), 2) == Outcome("second", good=True, at=10)


@pytest.mark.parametrize(("of_first", "of_second"), [(3, 9), (12, 1), (5, 3)])
def test_if_both_fail_the_first_one_s_error_is_raised_once_both_have(
    of_first: float, of_second: float
) -> None:
    outcome = run(Try("first", of_first, good=False), Try("second", of_second, good=False), 2)
    assert outcome == Outcome("first", good=False, at=max(of_first, 2 + of_second))


def test_a_first_attempt_that_fails_before_the_delay_fails_at_once_and_alone() -> None:
    second = Try("second", 1)
    assert run(Try("first", 1, good=False), second, 60) == Outcome("first", good=False, at=1)
    assert second.history == []


@pytest.mark.parametrize("moment", [1, 3])
def test_cancelling_from_outside_cancels_whatever_runs_and_leaves_nothing(moment: float) -> None:
    first, second = Try("first", 10), Try("second", 10)

    async def cancelled() -> None:
        task = asyncio.create_task(hedged(first, second, 2))
        await asyncio.sleep(moment)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert asyncio.all_tasks() == {asyncio.current_task()}
        assert now() == moment

    virtually(cancelled())
    assert first.history == ["began 0", f"cancelled {moment}"]
    assert second.history == (["began 2", "cancelled 3"] if moment > 2 else [])


def test_a_deadline_from_outside_ends_both_at_that_moment() -> None:
    first, second = Try("first", 100), Try("second", 100)

    async def limited() -> float:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(30):
                await hedged(first, second, 2)
        return now()

    assert virtually(limited()) == 30
    assert [first.history[-1], second.history[-1]] == ["cancelled 30", "cancelled 30"]


def test_a_hedge_that_cannot_even_begin_leaves_no_first_attempt_running() -> None:
    def broken() -> None:
        raise FailedError("no hedge")

    first = Try("first", 10)
    assert run(first, broken, 2) == Outcome("no hedge", good=False, at=2)
    assert first.history == ["began 0", "cancelled 2"]


@given(
    st.integers(0, 20).map(lambda n: 2.0 * n),
    st.integers(0, 20).map(lambda n: 2.0 * n),
    st.none() | st.integers(0, 20).map(lambda n: 2.0 * n + 1),
    st.booleans(),
    st.booleans(),
)
def test_the_earliest_good_answer_wins_and_else_the_first_one_s_error(
    of_first: float,
    of_second: float,
    delay: float | None,
    first_good: bool,  # noqa: FBT001 - given by Hypothesis
    second_good: bool,  # noqa: FBT001 - given by Hypothesis
) -> None:
    ends = {"first": (of_first, first_good)}
    if delay is not None and delay < of_first:
        ends["second"] = (delay + of_second, second_good)
    answers = [(at, name) for name, (at, good) in ends.items() if good]
    at, name = min(answers, default=(max(at for at, _ in ends.values()), "first"))
    outcome = run(Try("first", of_first, first_good), Try("second", of_second, second_good), delay)
    assert outcome == Outcome(name, bool(answers), at)


# When an attempt is late


def lateness(seconds: list[float], pixels: int = 1_000_000) -> Lateness:
    seen = Lateness()
    for one in seconds:
        seen.add("kind", pixels, one)
    return seen


def test_nothing_is_late_before_enough_attempts_were_seen() -> None:
    assert Lateness().after("kind", 1_000_000) is None
    assert lateness([1.0] * 19).after("kind", 1_000_000) is None
    assert lateness([1.0] * 20).after("kind", 1_000_000) == 1.0


@given(st.permutations([float(n) for n in range(1, 101)]))
def test_late_is_what_ninety_five_of_a_hundred_attempts_stay_within(seconds: list[float]) -> None:
    assert lateness(seconds).after("kind", 1_000_000) == 95


@given(st.lists(st.floats(0, 1000), min_size=20, max_size=128))
def test_at_most_one_attempt_in_twenty_was_ever_later_than_late(seconds: list[float]) -> None:
    late = lateness(seconds).after("kind", 1_000_000)
    assert late in seconds
    assert late is not None
    assert sum(one > late for one in seconds) <= len(seconds) / 20


def test_attempts_of_another_size_do_not_count() -> None:
    seen = lateness([1.0] * 100, pixels=1_000_000)
    assert seen.after("kind", 33_000_000) is None
    assert seen.after("kind", 10_000) is None
    assert seen.after("kind", 900_000) == 1.0
    assert seen.after("another kind", 900_000) is None


def test_what_was_usual_long_ago_is_forgotten() -> None:
    assert lateness([60.0] * 1000 + [1.0] * 128).after("kind", 1_000_000) == 1.0
