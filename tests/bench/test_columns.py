"""The predecessor's columns, for it and for us."""

from __future__ import annotations

import pytest

from bench import columns
from bench.columns import PUBLISHED, Columns
from bench.measure import Run

TIMING = "receive;dur=10.0, queue;dur=1.0, split;dur=2.0, send;dur=3.0, work;dur=100.0, return;dur=5.0"


def test_the_columns_add_up_to_what_the_client_saw() -> None:
    one = columns.of(Run(130.0, 1, TIMING, ""))
    assert (one.send, one.process, one.receive) == pytest.approx((0.016, 0.1, 0.014))
    assert one.total == pytest.approx(0.130)


def test_an_average_is_that_of_each_column() -> None:
    runs = [Run(130.0, 1, TIMING, ""), Run(150.0, 1, TIMING, "")]
    one = columns.average(runs)
    assert (one.send, one.process, one.receive) == pytest.approx((0.016, 0.1, 0.024))


@pytest.mark.parametrize(("count", "speedup"), [(1, 1.0), (4, 1.03), (8, 0.98)])
def test_the_published_totals_give_the_published_speedups(count: int, speedup: float) -> None:
    assert columns.speedup(PUBLISHED, count) == pytest.approx(speedup, abs=0.005)


def test_the_published_table_is_printed_as_it_was(capsys: pytest.CaptureFixture[str]) -> None:
    columns.print_columns("published", PUBLISHED)
    assert "| 4 | 0.1456 | 1.8282 | 3.3011 | 1.03 | 25.7 |" in capsys.readouterr().out


def test_speedup_is_against_one_worker() -> None:
    table = {1: Columns(1, 2, 1), 2: Columns(1, 1, 0)}
    assert columns.document(table)["2"]["speedup"] == 2
