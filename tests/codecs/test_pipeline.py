"""Stages in threads: order, errors, bounds and above all their end."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.images import LIMITS, converted, joined, photo, pixels, png

from shared.codecs import convert
from shared.codecs.formats import Format
from shared.codecs.pipeline import Stages
from shared.options import Options
from shared.problems import MalformedImage

TWO_STAGES = 2


class BrokenError(Exception):
    pass


def stage_threads() -> int:
    return sum(thread.name == "stage" for thread in threading.enumerate())


def until_broken(count: int) -> Iterator[int]:
    yield from range(count)
    raise BrokenError


def doubled(items: Iterator[int]) -> Iterator[int]:
    for item in items:
        yield 2 * item


@given(st.lists(st.integers()), st.booleans())
def test_items_arrive_in_order(items: list[int], threads: bool) -> None:  # noqa: FBT001 - hypothesis chooses
    with Stages(threads=threads) as stages:
        found = list(stages.ahead(doubled(stages.ahead(iter(items)))))
    assert found == [2 * item for item in items]
    assert not stage_threads()


@given(st.integers(0, 20), st.booleans())
def test_an_error_arrives_where_its_item_would(count: int, threads: bool) -> None:  # noqa: FBT001 - as above
    with Stages(threads=threads) as stages:
        items = stages.ahead(doubled(stages.ahead(until_broken(count))))
        assert list(itertools.islice(items, count)) == [2 * i for i in range(count)]
        with pytest.raises(BrokenError):
            next(items)
    assert not stage_threads()


def test_few_items_are_made_ahead() -> None:
    made = itertools.count()
    with Stages(threads=True) as stages:
        items = stages.ahead(next(made) for _ in range(10_000))
        for _ in range(100):
            next(items)
    assert next(made) < 110


def test_without_threads_nothing_is_made_ahead() -> None:
    items = iter(range(3))
    with Stages(threads=False) as stages:
        assert stages.ahead(items) is items


@pytest.mark.parametrize("taken", [0, 1, 50])
def test_a_consumer_that_stops_leaves_no_thread(taken: int) -> None:
    with Stages(threads=True) as stages:
        items = stages.ahead(doubled(stages.ahead(itertools.count())))
        assert list(itertools.islice(items, taken)) == [2 * i for i in range(taken)]
        assert stage_threads() == TWO_STAGES
    assert not stage_threads()


@pytest.mark.parametrize("written", [Format.PNG, Format.JPEG])
def test_a_conversion_in_stages_gives_the_same_file(written: Format) -> None:
    data = memoryview(png(photo(900, 1500)))
    alone, staged = (
        joined(convert.grey(data, Options(format=written), LIMITS, overlap=overlap).pieces)
        for overlap in (False, True)
    )
    assert staged == alone
    assert written is Format.JPEG or np.array_equal(pixels(staged), converted(bytes(data)))
    assert not stage_threads()


@pytest.mark.parametrize("bands", [0, 1, 3])
def test_a_cancelled_conversion_leaves_no_thread(bands: int) -> None:
    left = iter(range(bands))
    seen = []

    def check() -> None:
        seen.append(stage_threads())
        if next(left, None) is None:
            raise BrokenError

    with pytest.raises(BrokenError):
        convert.grey(memoryview(png(photo(900, 4000))), Options(), LIMITS, check=check, overlap=True)
    assert seen[0] == TWO_STAGES
    assert not stage_threads()


def test_a_damaged_file_leaves_no_thread() -> None:
    good = png(photo(900, 1500))
    with pytest.raises(MalformedImage):
        convert.grey(memoryview(good[:-20000] + good[-16:]), Options(), LIMITS, overlap=True)
    assert not stage_threads()
