"""The measurements as Markdown tables, and the targets."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TypeAlias

from bench import columns
from bench.scaling.results import Scaling
from bench.scaling.trial import IN_FLIGHT
from bench.tables import at_least, at_most, print_table

Measured: TypeAlias = Mapping[str, Scaling]
"""By route."""

CAPTION = (
    """\
One thread is our own pipeline in process, without HTTP, with the quota of one worker. Speed-up is its time
divided by that of the whole HTTP request, efficiency that divided by the number of workers. Images in flight
are counted in steady state. Processor time is what the control groups say.
"""
    + columns.CAPTION
)
_MOST_WORKERS = 8
_SPEEDUPS = {"rst-png": 6.0, "rst-jpeg": 6.0, "jpeg-png": 3.0, "jpeg-jpeg": 3.0}
_FLOW_EFFICIENCY = 90.0
_GATEWAY_MS = 35.0
_MARKED = ("rst-png", "rst-jpeg")
_CPU = ("gateway, CPU s per image", "workers, CPU s per image")


def print_all(quota: str, measured: Measured) -> None:
    """With one quota of the gateway."""
    print(f"\n## {quota}\n\nOne image at a time; speed-up against one thread\n")
    head = ("route", "workers", "seconds", "speed-up", "efficiency, %", *_CPU)
    print_table(head, (row for route, one in measured.items() for row in _latency(route, one)))
    print("\nCOST: workers needed for one image to be faster than in one thread\n")
    print_table(
        ("route", "one thread, s", "one thread, CPU s", "COST"),
        (_cost(route, one) for route, one in measured.items()),
    )
    print(f"\n{IN_FLIGHT} images in flight; efficiency against one worker\n")
    head = ("route", "workers", "images per s", "against one thread", "efficiency, %", *_CPU)
    print_table(head, (row for route, one in measured.items() for row in _flow(route, one)))
    for route, one in measured.items():
        columns.print_columns(f"{route}: the predecessor's columns", one.columns())
    print()
    for line in verdicts(quota, measured):
        print(line)


def verdicts(quota: str, measured: Measured) -> Iterator[str]:
    """Each target that what was measured can be held against."""
    for route, one in measured.items():
        if route in _SPEEDUPS and _MOST_WORKERS in one.latency:
            what = f"{quota}, {route}, {_MOST_WORKERS} workers, speed-up of one image,"
            yield at_least(what, _SPEEDUPS[route], one.speedup(_MOST_WORKERS))
        if _MOST_WORKERS in one.throughput:
            what = f"{quota}, {route}, 1 to {_MOST_WORKERS} workers, efficiency of {IN_FLIGHT} in flight, %,"
            yield at_least(what, _FLOW_EFFICIENCY, 100 * one.flow_efficiency(_MOST_WORKERS))
        if route in _MARKED and _MOST_WORKERS in one.latency:
            what = f"{quota}, {route}, {_MOST_WORKERS} workers, gateway's CPU ms per image,"
            yield at_most(what, _GATEWAY_MS, 1000 * one.latency[_MOST_WORKERS].cpu.gateway)


def _latency(route: str, found: Scaling) -> Iterator[list[str]]:
    for workers, one in found.latency.items():
        gain = found.speedup(workers)
        times = [f"{one.seconds:.2f}", f"{gain:.2f}", f"{100 * gain / workers:.0f}"]
        yield [route, str(workers), *times, f"{one.cpu.gateway:.3f}", f"{one.cpu.workers:.3f}"]


def _flow(route: str, found: Scaling) -> Iterator[list[str]]:
    for workers, one in found.throughput.items():
        efficiency = f"{100 * found.flow_efficiency(workers):.0f}"
        rates = [f"{one.per_second:.2f}", f"{found.flow_speedup(workers):.2f}", efficiency]
        yield [route, str(workers), *rates, f"{one.cpu.gateway:.3f}", f"{one.cpu.workers:.3f}"]


def _cost(route: str, found: Scaling) -> list[str]:
    thread = found.baseline
    cost = str(found.cost or f"more than {max(found.latency)}")
    return [route, f"{thread.seconds:.2f}", f"{thread.cpu_seconds:.3f}", cost]
