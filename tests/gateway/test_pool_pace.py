"""The pool: who is slower than its peers, by much and for long. Clock and random are ours."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from support.pools import idle

from gateway.fanout.pool import Pool, Worker

SEEDS = st.integers(0, 1000)


def paced(pool: Pool, paces: dict[Worker, float], times: int) -> None:
    for _ in range(times):
        for worker, ratio in paces.items():
            pool.took(worker, ratio)


def test_a_worker_far_slower_than_its_peers_is_ejected_and_one_a_little_slower_is_not() -> None:
    pool = idle(4)
    slow, slower, *others = pool.ready
    paced(pool, {slow: 10.0, slower: 2.0} | dict.fromkeys(others, 1.0), 10)
    assert slow not in pool.ready
    assert slower in pool.ready


@given(st.floats(0.1, 100))
def test_nobody_is_slow_where_all_are_equally_slow(ratio: float) -> None:
    pool = idle(4)
    everyone = pool.ready
    paced(pool, dict.fromkeys(everyone, ratio), 20)
    assert pool.ready == everyone


def test_a_few_slow_attempts_prove_nothing() -> None:
    pool = idle(4)
    slow, *others = pool.ready
    paced(pool, dict.fromkeys(others, 1.0), 10)
    paced(pool, {slow: 50.0}, 4)
    assert slow in pool.ready


def test_a_stall_now_and_then_is_not_slowness() -> None:
    pool = idle(4)
    stalling, *others = pool.ready
    for n in range(100):
        paced(pool, {stalling: 50.0 if n % 3 == 0 else 1.0} | dict.fromkeys(others, 1.0), 1)
    assert stalling in pool.ready


def test_the_past_is_forgotten_when_a_worker_becomes_slow() -> None:
    pool = idle(4)
    slow, *others = pool.ready
    paced(pool, dict.fromkeys(pool.ready, 1.0), 1000)
    paced(pool, {slow: 10.0} | dict.fromkeys(others, 1.0), 5)
    assert slow not in pool.ready


def test_a_worker_whose_hedges_always_win_is_ejected_and_one_that_is_beaten_now_and_then_is_not() -> None:
    pool = idle(4)
    hanging, unlucky, *_ = pool.ready
    for n in range(100):
        if n % 5:
            pool.beaten(unlucky)
        else:
            pool.answered(unlucky)
    for _ in range(5):
        pool.beaten(hanging)
    assert hanging not in pool.ready
    assert unlucky in pool.ready


@given(SEEDS, st.integers(2, 10))
def test_slowness_alone_never_puts_out_more_than_half(seed: int, count: int) -> None:
    pool = idle(count, seed=seed)
    workers = pool.ready
    ratios = {worker: 4.0**n for n, worker in enumerate(workers)}
    paced(pool, ratios, 50)
    assert pool.ejected <= count / 2
    assert workers[0] in pool.ready
