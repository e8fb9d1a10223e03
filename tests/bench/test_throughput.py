"""Images per second are counted between two answers."""

from __future__ import annotations

import itertools

from bench.throughput import Window


def test_a_window_is_from_one_answer_to_a_later_one() -> None:
    meter = itertools.count()
    window = Window(2, 3, lambda: next(meter))
    for answers in range(1, 8):
        window.answered()
        assert len(window.moments) == (answers >= 2) + (answers >= 5)
        assert window.over.is_set() == (answers >= 5)
    begin, end = window.moments
    assert (begin.meter, end.meter) == (0, 1)
    assert end.seconds >= begin.seconds
