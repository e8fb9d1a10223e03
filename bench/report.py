"""The measurements of all routes as Markdown tables and for JSON."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TypeAlias

from bench import stages
from bench.measure import Route, Series
from bench.tables import at_least, print_table

ONE, TWO = "grisaille, 1 worker", "grisaille, 2 workers"
THREAD, PILLOW = "one thread", "Pillow"
VIPS, VIPS_FAST = "libvips", "libvips, fastest"

Measured: TypeAlias = Mapping[str, Route]

_TARGETED = "libvips / 2 workers"
_TARGETS = {
    "rst-png": 3.0,
    "jpeg-png": 2.0,
    "rst-jpeg": 2.7,
    "jpeg-jpeg": 2.0,
    "png-png": 2.5,
    "png-jpeg": 2.3,
}


def ratios(series: Mapping[str, Series]) -> dict[str, float]:
    """Medians against medians, except where named; above one, ours is faster."""
    one, two = series[ONE].median, series[TWO].median
    settings = [series[name] for name in (VIPS, VIPS_FAST) if name in series]
    vips = min(setting.median for setting in settings)
    return {
        "libvips / 1 worker": vips / one,
        _TARGETED: vips / two,
        "the same, fastest runs": min(setting.fastest for setting in settings) / series[TWO].fastest,
        "one thread / 1 worker": series[THREAD].median / one,
        "one thread / 2 workers": series[THREAD].median / two,
        "Pillow / 2 workers": series[PILLOW].median / two,
    }


def print_all(measured: Measured) -> None:
    names = [ONE, TWO, THREAD, PILLOW, VIPS, VIPS_FAST]
    print("\nMilliseconds, median (fastest)\n")
    print_table(["route", *names], ([r, *_cells(x.series, names, _times)] for r, x in measured.items()))
    print("\nMB of the result\n")
    print_table(["route", *names], ([r, *_cells(x.series, names, _size)] for r, x in measured.items()))
    print("\nRatios of medians, libvips at the faster of its settings\n")
    compared = {name: ratios(route.series) for name, route in measured.items()}
    columns = list(next(iter(compared.values())))
    print_table(["route", *columns], ([r, *(f"{x:.2f}" for x in c.values())] for r, c in compared.items()))
    print("\nWhere the time goes: the request in the middle, ms\n")
    for name, route in measured.items():
        _print_stages(name, route.series)
    others = ", ".join(f"{name} {x.others} ({x.rounds} rounds)" for name, x in measured.items())
    print(f"\nCores used by other processes meanwhile: {others}\n")
    for line in _verdicts(compared):
        print(line)


def document(measured: Measured) -> dict[str, object]:
    """The measurements for a JSON file."""
    return {name: _document(route) for name, route in measured.items()}


def _cells(series: Mapping[str, Series], names: Iterable[str], cell: Callable[[Series], str]) -> list[str]:
    return [cell(series[name]) if name in series else "-" for name in names]


def _times(series: Series) -> str:
    return f"{series.median:.0f} ({series.fastest:.0f})"


def _size(series: Series) -> str:
    return f"{series.typical.size / 1e6:.1f}"


def _print_stages(route: str, series: Mapping[str, Series]) -> None:
    for name in (ONE, TWO):
        run = series[name].typical
        told = ", ".join(f"{stage} {ms:.0f}" for stage, ms in stages.parse(run.stages).items() if ms >= 0.5)
        print(f"- {route}, {name.split(', ')[1]}: {told}, outside {stages.outside(run):.0f} ({run.plan})")


def _verdicts(compared: Mapping[str, Mapping[str, float]]) -> list[str]:
    return [
        at_least(f"{route}, {_TARGETED},", target, compared[route][_TARGETED])
        for route, target in _TARGETS.items()
        if route in compared
    ]


def _document(route: Route) -> dict[str, object]:
    return {
        "ratios": {name: round(value, 3) for name, value in ratios(route.series).items()},
        "cores_used_by_others": route.others,
        "rounds": route.rounds,
        "contenders": {name: _contender(one) for name, one in route.series.items()},
    }


def _contender(series: Series) -> dict[str, object]:
    run = series.typical
    found: dict[str, object] = {
        "median_ms": round(series.median, 1),
        "min_ms": round(series.fastest, 1),
        "all_ms": [round(run.ms, 1) for run in series.runs],
        "warmup_ms": [round(run.ms, 1) for run in series.warmup],
        "bytes": run.size,
    }
    if run.stages:
        found |= {"server_timing": run.stages, "plan": run.plan}
    return found
