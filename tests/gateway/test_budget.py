"""The budget of extra attempts: bounded above, and never starved."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.fanout.budget import Budget

STORAGE = 100
RATIOS = st.sampled_from([0.0, 0.1, 0.2, 0.5, 1.0])
RATES = st.sampled_from([0.0, 0.5, 1.0, 3.0, 10.0])
STEPS = st.lists(
    st.sampled_from(["first", "extra"]) | st.floats(0, 100, allow_nan=False).map(lambda s: round(s, 3))
)


class Clock:
    """A monotonic clock that goes only when told."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def withdrawn(budget: Budget, asked: int = 1000) -> int:
    """How many of so many extra attempts at one instant are allowed."""
    return sum(budget.withdraw() for _ in range(asked))


@given(RATIOS, RATES, STEPS)
def test_extra_attempts_are_at_most_a_share_of_the_first_ones_plus_so_many_a_second(
    ratio: float, rate: float, steps: list[str | float]
) -> None:
    clock = Clock()
    budget = Budget(ratio, rate, clock)
    firsts = extras = 0
    for step in steps:
        if step == "first":
            firsts += 1
            budget.deposit()
        elif step == "extra":
            extras += budget.withdraw()
        else:
            clock.now += float(step)
    at_start = max(rate, 1.0) if rate else 0.0
    assert extras <= ratio * firsts + rate * (clock.now - 1000) + at_start + 1e-6


@given(RATIOS, RATES, STEPS)
def test_what_is_saved_up_never_pays_for_more_than_a_hundred_at_an_instant(
    ratio: float, rate: float, steps: list[str | float]
) -> None:
    clock = Clock()
    budget = Budget(ratio, rate, clock)
    for step in [*steps, *["first"] * 2000]:
        if step == "first":
            budget.deposit()
        elif step != "extra":
            clock.now += float(step)
    assert withdrawn(budget) <= STORAGE


@pytest.mark.parametrize("rate", [1, 3, 10])
def test_the_guaranteed_rate_is_there_from_the_start_and_again_each_second(rate: int) -> None:
    clock = Clock()
    budget = Budget(0.0, float(rate), clock)
    for _ in range(5):
        assert withdrawn(budget) == rate
        clock.now += 1


def test_a_long_calm_does_not_save_up_seconds() -> None:
    clock = Clock()
    budget = Budget(0.0, 3.0, clock)
    clock.now += 3600
    assert withdrawn(budget) == 3


def test_a_rate_below_one_a_second_still_allows_an_attempt_in_the_end() -> None:
    clock = Clock()
    budget = Budget(0.0, 0.5, clock)
    allowed = 0
    for _ in range(100):
        clock.now += 1
        allowed += budget.withdraw()
    assert 48 <= allowed <= 51


def test_asking_in_vain_does_not_delay_the_next_allowance() -> None:
    clock = Clock()
    budget = Budget(0.0, 1.0, clock)
    assert withdrawn(budget) == 1
    allowed = 0
    for _ in range(80):
        clock.now += 0.125
        allowed += budget.withdraw()
    assert allowed == 10


def test_four_first_attempts_at_a_quarter_pay_for_one_extra() -> None:
    budget = Budget(0.25, 0.0, Clock())
    for _ in range(3):
        budget.deposit()
    assert not budget.withdraw()
    budget.deposit()
    assert budget.withdraw()
    assert not budget.withdraw()


def test_nothing_is_allowed_where_ratio_and_rate_are_zero() -> None:
    clock = Clock()
    budget = Budget(0.0, 0.0, clock)
    for _ in range(100):
        budget.deposit()
        clock.now += 1
    assert withdrawn(budget) == 0


@pytest.mark.parametrize("rate", [0.0, 3.0, 100.0, 250.0])
def test_a_first_attempt_never_makes_the_allowance_smaller(rate: float) -> None:
    with_first, without = Budget(0.2, rate, Clock()), Budget(0.2, rate, Clock())
    with_first.deposit()
    assert withdrawn(with_first) >= withdrawn(without)
