"""What follows from the measurements."""

from __future__ import annotations

import pytest

from bench.measure import Run, Series
from bench.scaling.baseline import Baseline
from bench.scaling.report import print_all, verdicts
from bench.scaling.results import Scaling, document
from bench.scaling.stack import Cpu
from bench.scaling.trial import Latency, Throughput

TIMING = "receive;dur=1.0, split;dur=1.0, send;dur=1.0, work;dur=100.0, return;dur=1.0"


def latency(ms: float, gateway: float = 0.03) -> Latency:
    return Latency(Series([], [Run(ms, 1, TIMING, "")]), Cpu(gateway, 0.2))


def scaling(*, eight_ms: float, eight_per_second: float = 4.0) -> Scaling:
    """One thread needs two seconds."""
    found = Scaling(Baseline([2000.0], 0.2))
    for count, ms in ((1, 2100.0), (2, 1100.0), (8, eight_ms)):
        found.latency[count] = latency(ms)
        found.throughput[count] = Throughput(count, count * 2.0, Cpu(0.03, 0.2))
    found.throughput[8] = Throughput(40, 40 / eight_per_second, Cpu(0.03, 0.2))
    return found


def test_speedup_is_against_one_thread() -> None:
    found = scaling(eight_ms=400.0)
    assert found.speedup(8) == 5
    assert found.flow_speedup(8) == 8


def test_efficiency_of_many_images_is_against_one_worker() -> None:
    assert scaling(eight_ms=400.0, eight_per_second=3.0).flow_efficiency(8) == pytest.approx(0.75)


def test_cost_is_the_fewest_workers_that_beat_a_thread() -> None:
    assert scaling(eight_ms=400.0).cost == 2


def test_there_is_no_cost_where_no_number_of_workers_beats_a_thread() -> None:
    found = Scaling(Baseline([2000.0], 0.2), {1: latency(2100.0), 8: latency(2050.0)})
    assert found.cost is None


def test_targets_are_reached_or_said_not_to_be() -> None:
    lines = list(verdicts("gateway 40 %", {"rst-png": scaling(eight_ms=400.0, eight_per_second=3.0)}))
    assert [line.rpartition(", ")[2] for line in lines] == ["NOT reached", "NOT reached", "reached"]


def test_every_target_of_a_route_can_be_reached() -> None:
    lines = list(
        verdicts("gateway 40 %", {"jpeg-png": scaling(eight_ms=400.0), "png-png": scaling(eight_ms=2000.0)})
    )
    assert len(lines) == 3
    assert not [line for line in lines if "NOT" in line]


def test_the_tables_name_every_route_and_number_of_workers(capsys: pytest.CaptureFixture[str]) -> None:
    print_all("gateway 10 %", {"png-png": scaling(eight_ms=2000.0)})
    told = capsys.readouterr().out
    assert "| png-png | 8 | 2.00 | 1.00 | 12 | 0.030 | 0.200 |" in told
    assert "| png-png | 2.00 | 0.200 | 2 |" in told


def test_a_document_has_what_the_tables_are_made_from() -> None:
    told = document(scaling(eight_ms=400.0))
    assert set(told) == {"one_thread", "cost", "columns", "latency", "throughput"}
