"""The pool: who gets work, who is ill, who comes back. Clock and random are ours."""

from __future__ import annotations

from random import Random

from hypothesis import given
from hypothesis import strategies as st
from support.pools import Clock, idle, taken, urls

from gateway.fanout.pool import Pool, Worker

SEEDS = st.integers(0, 1000)


# Who is there


def test_a_new_worker_gets_nothing_until_a_probe_has_answered() -> None:
    pool = Pool(Random(0), Clock())
    pool.update(urls(1))
    assert pool.take() is None
    assert (pool.known, pool.ready, pool.free_slots) == (1, [], 0)
    [unknown] = pool.absent()
    pool.probed(unknown, (0, 2, 0))
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
    pool.probed(vanished, (0, 1, 0))
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
        pool.probed(worker, (0, own, 0))
    assert pool.free_slots == sum(slots)
    taken(pool, sum(slots))
    assert all(worker.in_flight == worker.slots for worker in pool.ready)
    assert pool.free_slots == 0


@given(SEEDS, st.integers(2, 20))
def test_a_free_worker_is_preferred_to_all_busy_ones(seed: int, count: int) -> None:
    pool = idle(count, seed=seed)
    free, *busy = pool.ready
    for worker in busy:
        pool.probed(worker, (3, 1, 2))
    assert taken(pool) == [free]


@given(SEEDS)
def test_of_two_busy_workers_the_less_loaded_per_slot_is_taken(seed: int) -> None:
    pool = idle(2, seed=seed)
    small, large = pool.ready
    pool.probed(small, (1, 1, 1))
    pool.probed(large, (8, 8, 2))
    assert taken(pool) == [large]


@given(SEEDS)
def test_the_most_loaded_of_many_busy_workers_is_never_taken(seed: int) -> None:
    pool = idle(5, seed=seed)
    worst, *others = pool.ready
    pool.probed(worst, (1, 1, 9))
    for worker in others:
        pool.probed(worker, (1, 1, 0))
    assert worst not in taken(pool, 8)


def test_gateways_with_other_random_numbers_do_not_all_run_to_the_same_worker() -> None:
    first = {taken(idle(8, seed=seed))[0].url for seed in range(100)}
    assert first == set(urls(8))


def test_busy_workers_are_not_all_compared_so_that_gateways_do_not_all_run_to_the_least_loaded() -> None:
    chosen = set()
    for seed in range(100):
        pool = idle(8, seed=seed)
        for queued, worker in enumerate(pool.ready):
            pool.probed(worker, (1, 1, queued))
        chosen.add(taken(pool)[0].url)
    assert len(chosen) > 3


@given(SEEDS, st.integers(2, 10))
def test_a_worker_that_was_tried_already_is_avoided_while_there_is_another_even_a_busy_one(
    seed: int, count: int
) -> None:
    pool = idle(count, seed=seed)
    *tried, other = pool.ready
    pool.probed(other, (5, 1, 5))
    assert pool.take(tried) is other


def test_the_only_worker_is_taken_again_rather_than_none() -> None:
    pool = idle(1)
    assert pool.take(pool.ready) is pool.ready[0]


def test_what_a_worker_does_for_other_gateways_takes_its_slots_too() -> None:
    pool = idle(2, slots=4)
    own = taken(pool)[0]
    pool.probed(own, (3, 4, 0))
    assert (own.busy_elsewhere, own.free) == (2, 1)
    assert pool.free_slots == 4 + 1
    pool.probed(own, (1, 4, 0))
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
    pool.probed(pool.ready[0], (3, 4, 2))
    assert pool.free_slots == 0
    clock.now += 1.1
    assert pool.free_slots == 4


@given(st.integers(0, 20), st.integers(1, 8), st.integers(0, 20), st.integers(0, 20))
def test_free_slots_are_never_negative_and_never_more_than_there_are(
    running: int, slots: int, queued: int, takes: int
) -> None:
    pool = idle(1, slots=slots)
    taken(pool, takes)
    pool.probed(pool.ready[0], (running, slots, queued))
    assert 0 <= pool.free_slots <= slots


def test_an_attempt_that_ended_gives_its_slot_back() -> None:
    pool = idle(1)
    [worker] = taken(pool)
    assert pool.free_slots == 0
    pool.ended(worker)
    assert pool.free_slots == 1


def test_a_probe_without_a_load_changes_nothing_but_readiness() -> None:
    pool = Pool(Random(0), Clock())
    pool.update(urls(1))
    [worker] = pool.absent()
    pool.probed(worker, None)
    assert pool.ready == [worker]
    assert (worker.slots, worker.busy_elsewhere) == (1, 0)
