"""Where a request's time went: stages that follow one another without a gap."""

from __future__ import annotations

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.fanout.attempt import Answer
from gateway.fanout.delivery import Delivered
from gateway.timing import Stages, parts_header

STEPS = st.lists(st.floats(-10, 100))


def delivered(
    sent: float, answered: float, ended: float, *, worker: int = 0, attempts: int = 1, hedged: bool = False
) -> Delivered[object]:
    answer = Answer(memoryview(b""), (), sent, answered, ended)
    return Delivered(None, answer, worker, sent, attempts, hedged)


def durations(stages: Stages) -> dict[str, float]:
    """Milliseconds by stage, as a browser reads them from `Server-Timing`."""
    entries = [entry.split(";dur=") for entry in stages.header().split(", ")] if stages.header() else []
    return {name: float(duration) for name, duration in entries}


@given(STEPS)
def test_the_stages_add_up_to_the_time_between_the_first_and_the_last_moment(steps: list[float]) -> None:
    stages = Stages()
    begin = moment = stages.now
    for number, step in enumerate(steps):
        moment += step
        stages.end(f"stage{number}", moment)
    assert stages.total == pytest.approx(stages.now - begin, abs=1e-6)
    assert sum(durations(stages).values()) == pytest.approx(stages.total * 1000, abs=0.05 * len(steps) + 0.01)


@given(STEPS)
def test_no_stage_is_negative_even_if_a_moment_lies_before_the_last(steps: list[float]) -> None:
    stages = Stages()
    moment = stages.now
    for number, step in enumerate(steps):
        moment += step
        before = stages.now
        stages.end(f"stage{number}", moment)
        assert stages.now == max(before, moment)
    assert all(duration >= 0 for duration in durations(stages).values())


def test_a_stage_that_ends_now_ends_on_the_monotonic_clock() -> None:
    before = time.monotonic()
    stages = Stages()
    stages.end("receive")
    assert before <= stages.now <= time.monotonic()
    assert 0 <= stages.total <= time.monotonic() - before


def test_a_request_s_stages_are_named_in_their_order_and_leave_nothing_out() -> None:
    stages = Stages()
    begin = stages.now
    stages.end("receive", begin + 0.010)
    stages.end("queue", begin + 0.010)
    stages.end("split", begin + 0.013)
    stages.end_with(delivered(begin + 0.020, begin + 0.080, begin + 0.095))
    stages.end("merge", begin + 0.100)
    assert stages.header() == (
        "receive;dur=10.0, queue;dur=0.0, split;dur=3.0, "
        "send;dur=7.0, work;dur=60.0, return;dur=15.0, merge;dur=5.0"
    )
    assert stages.total == pytest.approx(0.1)


def test_a_stage_that_had_to_be_done_once_more_is_told_once() -> None:
    stages = Stages()
    begin = stages.now
    stages.end("queue", begin + 0.010)
    stages.end("split", begin + 0.012)
    stages.end("split", begin + 0.015)  # the stripes were refused: the image goes whole
    assert stages.header() == "queue;dur=10.0, split;dur=5.0"


def test_a_last_part_that_was_sent_before_the_split_ended_costs_no_time_twice() -> None:
    stages = Stages()
    begin = stages.now
    stages.end("split", begin + 0.050)
    stages.end_with(delivered(begin + 0.020, begin + 0.080, begin + 0.090))
    assert durations(stages) == {"split": 50.0, "send": 0.0, "work": 30.0, "return": 10.0}
    assert stages.total == pytest.approx(0.090)


def test_a_request_that_ended_before_any_stage_has_an_empty_timing() -> None:
    stages = Stages()
    assert (stages.header(), stages.total) == ("", 0)


def test_parts_tell_who_did_what_from_when_to_when() -> None:
    parts = [
        delivered(100.001, 100.1, 100.2, worker=4),
        delivered(100.002, 100.3, 100.35, worker=0, attempts=3, hedged=True),
    ]
    assert parts_header(parts, 100.0) == (
        "worker=4; start=1.0; end=200.0; attempts=1; hedged=0, "
        "worker=0; start=2.0; end=350.0; attempts=3; hedged=1"
    )


@given(st.integers(0, 200))
def test_there_is_one_entry_for_every_part_and_never_more_than_64(count: int) -> None:
    header = parts_header([delivered(1, 2, 3)] * count, 0)
    assert len(re.findall("worker=", header)) == min(count, 64)
