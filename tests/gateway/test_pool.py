"""The pool: who gets work, who is ill, who comes back. Clock and random are ours."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.fanout.pool import Pool, Worker

SEEDS = st.integers(0, 1000)


class Clock:
    """A monotonic clock that goes only when told."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def urls(count: int) -> list[str]:
    return [f"http://worker-{n}" for n in range(count)]


def idle(count: int, *, slots: int = 1, seed: int = 0, clock: Clock | None = None) -> Pool:
    """A pool of so many workers that a probe found idle."""
    pool = Pool(Random(seed), clock or Clock())
    pool.update(urls(count))
    for worker in pool.absent():
        pool.answered(worker, (0, slots, 0))
    return pool


def taken(pool: Pool, times: int = 1) -> list[Worker]:
    workers = [pool.take() for _ in range(times)]
    assert None not in workers
    return [worker for worker in workers if worker is not None]


def fail(pool: Pool, worker: Worker, times: int = 5) -> None:
    for _ in range(times):
        pool.failed(worker, gone=False)


# Who is there


def test_a_new_worker_gets_nothing_until_a_probe_has_answered() -> None:
    pool = Pool(Random(0), Clock())
    pool.update(urls(1))
    assert pool.take() is None
    assert (pool.known, pool.ready, pool.free_slots) == (1, [], 0)
    [unknown] = pool.absent()
    pool.answered(unknown, (0, 2, 0))
    assert pool.take() is unknown
    assert pool.absent() == []


def test_an_empty_pool_has_nobody_to_take() -> None:
    assert Pool(Random(0), Clock()).take() is None


@given(SEEDS, st.integers(2, 10), st.integers(1, 100))
def test_a_vanished_worker_gets_nothing_even_if_its_last_answer_comes_later(
    seed: int, count: int, takes: int
) -> None:
    pool = idle(count, seed=seed)
    vanished = taken(pool)[0]
    pool.update(url for url in urls(count) if url != vanished.url)
    pool.answered(vanished, (0, 1, 0))
    pool.ended(vanished)
    assert vanished not in taken(pool, takes)
    assert vanished not in pool.ready
    assert vanished not in pool.absent()
    assert pool.known == count - 1


def test_an_update_with_the_same_addresses_changes_nothing() -> None:
    pool = idle(3)
    busy = taken(pool)[0]
    before = pool.ready
    pool.update(reversed(urls(3)))
    assert pool.ready == before
    assert busy.in_flight == 1


def test_a_worker_that_comes_back_after_vanishing_is_unknown_again() -> None:
    pool = idle(1)
    pool.update([])
    pool.update(urls(1))
    assert pool.take() is None
    assert len(pool.absent()) == 1


@given(st.lists(st.sets(st.integers(0, 8)), max_size=10))
def test_no_two_workers_ever_share_an_ordinal_and_none_changes_while_a_worker_stays(
    generations: list[set[int]],
) -> None:
    pool = Pool(Random(0), Clock())
    seen: dict[int, Worker] = {}
    for generation in generations:
        pool.update(f"http://worker-{n}" for n in generation)
        for worker in pool.absent():
            assert seen.setdefault(worker.ordinal, worker) is worker


# Who gets work


@given(SEEDS, st.integers(1, 64))
def test_as_many_takes_as_there_are_idle_workers_give_each_exactly_one(seed: int, count: int) -> None:
    workers = taken(idle(count, seed=seed), count)
    assert len({worker.url for worker in workers}) == count


@given(SEEDS, st.lists(st.integers(1, 8), min_size=1, max_size=10))
def test_no_worker_gets_more_than_its_slots_while_another_has_a_free_one(seed: int, slots: list[int]) -> None:
    pool = Pool(Random(seed), Clock())
    pool.update(urls(len(slots)))
    for worker, own in zip(pool.absent(), slots, strict=True):
        pool.answered(worker, (0, own, 0))
    assert pool.free_slots == sum(slots)
    taken(pool, sum(slots))
    assert all(worker.in_flight == worker.slots for worker in pool.ready)
    assert pool.free_slots == 0


@given(SEEDS, st.integers(2, 20))
def test_a_free_worker_is_preferred_to_all_busy_ones(seed: int, count: int) -> None:
    pool = idle(count, seed=seed)
    free, *busy = pool.ready
    for worker in busy:
        pool.answered(worker, (3, 1, 2))
    assert taken(pool) == [free]


@given(SEEDS)
def test_of_two_busy_workers_the_less_loaded_per_slot_is_taken(seed: int) -> None:
    pool = idle(2, seed=seed)
    small, large = pool.ready
    pool.answered(small, (1, 1, 1))
    pool.answered(large, (8, 8, 2))
    assert taken(pool) == [large]


@given(SEEDS)
def test_the_most_loaded_of_many_busy_workers_is_never_taken(seed: int) -> None:
    pool = idle(5, seed=seed)
    worst, *others = pool.ready
    pool.answered(worst, (1, 1, 9))
    for worker in others:
        pool.answered(worker, (1, 1, 0))
    assert worst not in taken(pool, 8)


def test_gateways_with_other_random_numbers_do_not_all_run_to_the_same_worker() -> None:
    first = {taken(idle(8, seed=seed))[0].url for seed in range(100)}
    assert first == set(urls(8))


def test_busy_workers_are_not_all_compared_so_that_gateways_do_not_all_run_to_the_least_loaded() -> None:
    chosen = set()
    for seed in range(100):
        pool = idle(8, seed=seed)
        for queued, worker in enumerate(pool.ready):
            pool.answered(worker, (1, 1, queued))
        chosen.add(taken(pool)[0].url)
    assert len(chosen) > 3


@given(SEEDS, st.integers(2, 10))
def test_a_worker_that_was_tried_already_is_avoided_while_there_is_another_even_a_busy_one(
    seed: int, count: int
) -> None:
    pool = idle(count, seed=seed)
    *tried, other = pool.ready
    pool.answered(other, (5, 1, 5))
    assert pool.take(tried) is other


def test_the_only_worker_is_taken_again_rather_than_none() -> None:
    pool = idle(1)
    assert pool.take(pool.ready) is pool.ready[0]


def test_what_a_worker_does_for_other_gateways_takes_its_slots_too() -> None:
    pool = idle(2, slots=4)
    own = taken(pool)[0]
    pool.answered(own, (3, 4, 0))
    assert (own.busy_elsewhere, own.free) == (2, 1)
    assert pool.free_slots == 4 + 1
    pool.answered(own, (1, 4, 0))
    assert (own.busy_elsewhere, own.free) == (0, 3)


def test_an_attempt_that_is_just_answered_does_not_count_as_another_gateways() -> None:
    pool = idle(1, slots=4)
    own, _ = taken(pool, 2)
    pool.heard(own, (1, 4, 0))  # the second of ours still runs
    assert (own.busy_elsewhere, pool.free_slots) == (0, 2)
    pool.heard(own, (3, 4, 0))
    assert own.busy_elsewhere == 2


def test_a_report_of_work_for_others_is_forgotten_when_it_is_old() -> None:
    clock = Clock()
    pool = idle(1, slots=4, clock=clock)
    pool.answered(pool.ready[0], (3, 4, 2))
    assert pool.free_slots == 0
    clock.now += 1.1
    assert pool.free_slots == 4


@given(st.integers(0, 20), st.integers(1, 8), st.integers(0, 20), st.integers(0, 20))
def test_free_slots_are_never_negative_and_never_more_than_there_are(
    running: int, slots: int, queued: int, takes: int
) -> None:
    pool = idle(1, slots=slots)
    taken(pool, takes)
    pool.answered(pool.ready[0], (running, slots, queued))
    assert 0 <= pool.free_slots <= slots


def test_an_attempt_that_ended_gives_its_slot_back() -> None:
    pool = idle(1)
    [worker] = taken(pool)
    assert pool.free_slots == 0
    pool.ended(worker)
    assert pool.free_slots == 1


def test_an_answer_without_a_load_changes_nothing_but_readiness() -> None:
    pool = Pool(Random(0), Clock())
    pool.update(urls(1))
    [worker] = pool.absent()
    pool.answered(worker, None)
    assert pool.ready == [worker]
    assert (worker.slots, worker.busy_elsewhere) == (1, 0)


# Who is ill


def test_one_refused_connection_ejects_at_once_and_is_probed_at_once() -> None:
    pool = idle(2)
    refused, other = pool.ready
    pool.failed(refused, gone=True)
    assert pool.ready == [other]
    assert pool.absent() == [refused]


def test_four_failures_do_not_eject_and_the_fifth_does() -> None:
    pool = idle(1)
    [worker] = pool.ready
    fail(pool, worker, 4)
    assert pool.ready == [worker]
    fail(pool, worker, 1)
    assert pool.ready == []
    assert pool.take() is None


@given(st.lists(st.booleans(), max_size=100))
def test_only_five_failures_in_a_row_eject(outcomes: list[bool]) -> None:
    pool = idle(1)
    [worker] = pool.ready
    row = 0
    for good in outcomes:
        if good:
            pool.answered(worker, None)
        else:
            pool.failed(worker, gone=False)
        row = 0 if good else row + 1
        if row == 5:
            assert pool.ready == []
            return
        assert pool.ready == [worker]


@given(
    st.lists(st.tuples(st.integers(0, 9), st.integers(1, 9), st.integers(0, 99)), min_size=1, max_size=100)
)
def test_a_polite_busy_never_ejects_however_often(loads: list[tuple[int, int, int]]) -> None:
    pool = idle(1)
    [worker] = pool.ready
    fail(pool, worker, 4)
    for load in loads:
        pool.answered(worker, load)
        assert pool.ready == [worker]


def test_an_ejected_worker_is_left_alone_for_its_pause_and_then_probed() -> None:
    clock = Clock()
    pool = idle(1, clock=clock)
    [worker] = pool.ready
    fail(pool, worker)
    clock.now += 9.9
    assert pool.absent() == []
    clock.now += 0.1
    assert pool.absent() == [worker]
    assert pool.take() is None


def test_the_answer_to_a_probe_readmits_a_worker() -> None:
    clock = Clock()
    pool = idle(1, clock=clock)
    [worker] = pool.ready
    fail(pool, worker)
    clock.now += 10
    pool.answered(pool.absent()[0], (0, 1, 0))
    assert taken(pool) == [worker]
    fail(pool, worker, 4)
    assert pool.ready == [worker]


def pause(pool: Pool, worker: Worker, clock: Clock) -> int:
    """Whole seconds after an ejection until the worker is probed."""
    for second in range(1000):
        if worker in pool.absent():
            return second
        clock.now += 1
    raise AssertionError


def test_a_worker_that_answers_probes_and_fails_all_work_is_left_alone_longer_each_time() -> None:
    clock = Clock()
    pool = idle(1, clock=clock)
    [worker] = pool.ready
    pauses = []
    for _ in range(20):
        fail(pool, worker)
        pauses.append(pause(pool, worker, clock))
        pool.answered(worker, (0, 1, 0))
    assert pauses[:3] == [10, 20, 30]
    assert pauses[-1] == 120
    assert pauses == sorted(pauses)


def test_a_worker_that_did_good_work_after_its_return_starts_with_the_shortest_pause_again() -> None:
    clock = Clock()
    pool = idle(1, clock=clock)
    [worker] = pool.ready
    for _ in range(3):
        fail(pool, worker)
        clock.now += 1000
        pool.answered(worker, (0, 1, 0))
    [again] = taken(pool)
    pool.ended(again)
    pool.answered(again, (0, 1, 0))
    fail(pool, worker)
    assert pause(pool, worker, clock) == 10


def test_attempts_that_were_under_way_when_a_worker_was_ejected_do_not_lengthen_its_pause() -> None:
    clock = Clock()
    pool = idle(1, slots=16, clock=clock)
    [worker] = pool.ready
    taken(pool, 16)
    fail(pool, worker, 16)
    assert pause(pool, worker, clock) == 10


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
