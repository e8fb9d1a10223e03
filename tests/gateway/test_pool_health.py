"""The pool: who is ill, who comes back, and what if most are out. Clock and random are ours."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.pools import Clock, fail, idle, taken, urls

from gateway.fanout.pool import Pool, Worker

SEEDS = st.integers(0, 1000)


def pause(pool: Pool, worker: Worker, clock: Clock) -> int:
    """Whole seconds after an ejection until the worker is probed."""
    for second in range(1000):
        if worker in pool.absent():
            return second
        clock.now += 1
    raise AssertionError


# Failures


def test_one_refused_connection_ejects_at_once_and_is_probed_at_once() -> None:
    pool = idle(2)
    refused, other = pool.ready
    pool.failed(refused, gone=True)
    assert pool.ready == [other]
    assert pool.absent() == [refused]


def test_even_the_only_worker_is_gone_when_it_refuses_a_connection() -> None:
    pool = idle(1)
    [worker] = pool.ready
    pool.failed(worker, gone=True)
    assert pool.take() is None
    assert pool.absent() == [worker]


def test_four_failures_do_not_eject_and_the_fifth_does() -> None:
    pool = idle(3)
    ill, *others = pool.ready
    fail(pool, ill, 4)
    assert ill in pool.ready
    fail(pool, ill, 1)
    assert pool.ready == others
    assert pool.ejected == 1


@given(st.lists(st.booleans(), max_size=100))
def test_only_five_failures_in_a_row_eject(outcomes: list[bool]) -> None:
    pool = idle(3)
    worker = pool.ready[0]
    row = 0
    for good in outcomes:
        if good:
            pool.answered(worker)
        else:
            pool.failed(worker, gone=False)
        row = 0 if good else row + 1
        if row == 5:
            assert worker not in pool.ready
            return
        assert worker in pool.ready


@given(st.integers(0, 100))
def test_the_only_worker_is_never_ejected(times: int) -> None:
    pool = idle(1)
    [worker] = pool.ready
    fail(pool, worker, times)
    assert pool.take() is worker


@pytest.mark.parametrize("gone", [True, False])
def test_a_failure_is_no_answer_so_an_absent_worker_stays_absent(
    gone: bool,  # noqa: FBT001 - a table's column
) -> None:
    pool = Pool(Random(0), Clock())
    pool.update(urls(1))
    [worker] = pool.absent()
    pool.failed(worker, gone=gone)
    assert pool.take() is None
    assert pool.absent() == [worker]


# Pause and trial


def test_an_ejected_worker_is_left_alone_for_its_pause_and_then_probed() -> None:
    clock = Clock()
    pool = idle(3, clock=clock)
    worker = pool.ready[0]
    fail(pool, worker)
    clock.now += 9.9
    assert pool.absent() == []
    clock.now += 0.1
    assert pool.absent() == [worker]
    assert worker not in taken(pool, 20)


def on_trial(clock: Clock) -> tuple[Pool, Worker]:
    """Three workers of four slots, one of them back from its first ejection."""
    pool = idle(3, slots=4, clock=clock)
    worker = pool.ready[0]
    fail(pool, worker)
    clock.now += 10
    pool.probed(worker, (0, 4, 0))
    return pool, worker


def test_a_worker_on_trial_gets_one_attempt_at_a_time_and_all_after_one_went_well() -> None:
    pool, worker = on_trial(Clock())
    assert pool.free_slots == 4 + 4 + 1
    assert taken(pool, 40).count(worker) == 1
    pool.ended(worker)
    pool.answered(worker)
    assert taken(pool, 4).count(worker) == 4


def test_one_failure_on_trial_ejects_again_for_longer() -> None:
    clock = Clock()
    pool, worker = on_trial(clock)
    fail(pool, worker, 1)
    assert worker not in pool.ready
    assert pause(pool, worker, clock) == 20


def test_a_worker_that_answers_probes_and_fails_all_work_is_left_alone_longer_each_time() -> None:
    clock = Clock()
    pool = idle(3, clock=clock)
    worker = pool.ready[0]
    pauses = []
    for _ in range(20):
        fail(pool, worker)
        pauses.append(pause(pool, worker, clock))
        pool.probed(worker, (0, 1, 0))
    assert pauses[:3] == [10, 20, 30]
    assert pauses[-1] == 120
    assert pauses == sorted(pauses)


def test_five_good_answers_in_a_row_make_the_next_pause_the_shortest_again() -> None:
    clock = Clock()
    pool = idle(3, clock=clock)
    worker = pool.ready[0]
    for good, expected in ((4, 20), (5, 10)):
        for _ in range(2 if good == 4 else 1):
            fail(pool, worker)
            last = pause(pool, worker, clock)
            pool.probed(worker, (0, 1, 0))
            for _ in range(good):
                pool.answered(worker)
        if good == 4:
            assert last == expected
    fail(pool, worker)
    assert pause(pool, worker, clock) == 10


def test_attempts_that_were_under_way_when_a_worker_was_ejected_change_nothing() -> None:
    clock = Clock()
    pool = idle(3, slots=16, clock=clock)
    worker = pool.ready[0]
    fail(pool, worker, 16)
    pool.answered(worker)
    assert worker not in pool.ready
    assert pause(pool, worker, clock) == 10


# Panic


@given(SEEDS, st.integers(2, 12), st.data())
def test_when_most_are_out_all_that_are_there_are_used(seed: int, count: int, data: st.DataObject) -> None:
    pool = idle(count, seed=seed)
    workers = pool.ready
    out = data.draw(st.integers(0, count))
    for worker in workers[:out]:
        fail(pool, worker)
    used = set(taken(pool, 20 * count))
    assert used == set(workers if out > count / 2 else workers[out:])


def test_workers_that_refuse_connections_are_not_used_in_a_panic() -> None:
    pool = idle(4)
    gone, *others = pool.ready
    for worker in others:
        fail(pool, worker)
    pool.failed(gone, gone=True)
    assert set(taken(pool, 30)) == set(others)


# Parts that may kill


@given(SEEDS, st.integers(1, 6), st.integers(0, 20))
def test_a_worker_kept_for_one_part_gets_no_other_until_it_is_released(
    seed: int, count: int, takes: int
) -> None:
    pool = idle(count, seed=seed)
    alone = pool.isolate()
    assert alone is not None
    others = [pool.take() for _ in range(takes)]
    assert alone not in others
    assert (None in others) == (count == 1 and takes > 0)
    pool.release(alone)
    assert alone in taken(pool, 10 * count)


def test_the_least_busy_worker_is_kept_and_each_only_once() -> None:
    pool = idle(3)
    busy = taken(pool, 2)
    [free] = set(pool.ready) - set(busy)
    assert pool.isolate() is free
    assert {pool.isolate(), pool.isolate()} == set(busy)
    assert pool.isolate() is None


def test_a_worker_that_was_tried_is_kept_only_if_there_is_no_other() -> None:
    pool = idle(2)
    first, second = pool.ready
    assert pool.isolate([first]) is second
    assert pool.isolate([first, second]) is first


def test_a_suspect_waits_for_the_other_worker_rather_than_go_back_to_the_one_that_died() -> None:
    pool = idle(2)
    died, other = pool.ready
    assert pool.isolate([died]) is other
    assert pool.isolate([died]) is None
    pool.release(other)
    assert pool.isolate([died]) is other


# Addresses that stand for many workers


def test_an_address_with_fixed_slots_has_them_whatever_the_one_that_answers_reports() -> None:
    pool = Pool(Random(0), Clock(), fixed_slots=8)
    pool.update(urls(1))
    [service] = pool.absent()
    pool.probed(service, (1, 2, 3))
    assert (pool.free_slots, pool.slots) == (8, 8)
    taken(pool, 3)
    pool.heard(service, (2, 2, 4))
    assert pool.free_slots == 5
