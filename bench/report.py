"""The measurements as Markdown tables and as JSON."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TypeAlias

from bench.machine import command, versions
from bench.measure import Route, Series

ONE, TWO = "grisaille, 1 worker", "grisaille, 2 workers"
THREAD, PILLOW = "one thread", "Pillow"
VIPS, VIPS_FAST = "libvips", "libvips, fastest"

Measured: TypeAlias = Mapping[str, Route]

_TARGETS = {"rst-png": 2.5, "rst-jpeg": 1.5, "png-png": 1.5}
"""libvips at its fastest / ours with two workers."""
_RESULTS = Path(__file__).resolve().parent / "results"


def ratios(series: Mapping[str, Series]) -> dict[str, float]:
    """Medians against medians, except where named; above one, ours is faster."""
    one, two = series[ONE].median, series[TWO].median
    settings = [series[name] for name in (VIPS, VIPS_FAST) if name in series]
    vips = min(setting.median for setting in settings)
    return {
        "libvips / 1 worker": vips / one,
        "libvips / 2 workers": vips / two,
        "the same, fastest runs": min(setting.fastest for setting in settings) / series[TWO].fastest,
        "one thread / 1 worker": series[THREAD].median / one,
        "one thread / 2 workers": series[THREAD].median / two,
        "Pillow / 2 workers": series[PILLOW].median / two,
    }


def print_all(measured: Measured) -> None:
    names = [ONE, TWO, THREAD, PILLOW, VIPS, VIPS_FAST]
    print("\nMilliseconds, median (fastest)\n")
    _print_table(["route", *names], ([r, *_cells(x.series, names, _times)] for r, x in measured.items()))
    print("\nMB of the result\n")
    _print_table(["route", *names], ([r, *_cells(x.series, names, _size)] for r, x in measured.items()))
    print("\nRatios of medians, libvips at the faster of its settings\n")
    compared = {name: ratios(route.series) for name, route in measured.items()}
    columns = list(next(iter(compared.values())))
    _print_table(["route", *columns], ([r, *(f"{x:.2f}" for x in c.values())] for r, c in compared.items()))
    print("\nWhere the time goes: the request in the middle, ms\n")
    for name, route in measured.items():
        _print_stages(name, route.series)
    others = ", ".join(f"{name} {x.others} ({x.rounds} rounds)" for name, x in measured.items())
    print(f"\nCores used by other processes meanwhile: {others}\n")
    for line in _verdicts(compared):
        print(line)


def write(
    measured: Measured,
    machine: Mapping[str, object],
    inputs: Mapping[str, Mapping[str, object]],
    path: Path | None,
) -> Path:
    """The measurements as a JSON file; returns where it is."""
    today = dt.datetime.now(tz=dt.UTC).date().isoformat()
    path = path or _RESULTS / f"{today}.json"
    document = {
        "date": today,
        "command": command("bench"),
        "machine": machine,
        "versions": versions(),
        "inputs": inputs,
        "routes": {name: _document(route) for name, route in measured.items()},
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document, indent=1) + "\n")
    return path


def _cells(series: Mapping[str, Series], names: Iterable[str], cell: Callable[[Series], str]) -> list[str]:
    return [cell(series[name]) if name in series else "-" for name in names]


def _times(series: Series) -> str:
    return f"{series.median:.0f} ({series.fastest:.0f})"


def _size(series: Series) -> str:
    return f"{series.typical.size / 1e6:.1f}"


def _print_table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    print("| " + " | ".join(head) + " |")
    print("|---" + "|---:" * (len(head) - 1) + "|")
    for row in rows:
        print("| " + " | ".join(row) + " |")


def _stages(header: str) -> dict[str, float]:
    """`Server-Timing` as numbers."""
    pairs = (entry.strip().partition(";dur=") for entry in header.split(",") if entry)
    return {name: float(value) for name, _, value in pairs}


def _print_stages(route: str, series: Mapping[str, Series]) -> None:
    for name in (ONE, TWO):
        run = series[name].typical
        stages = _stages(run.stages)
        outside = run.ms - sum(stages.values())
        told = ", ".join(f"{stage} {ms:.0f}" for stage, ms in stages.items() if ms >= 0.5)
        print(f"- {route}, {name.split(', ')[1]}: {told}, outside {outside:.0f} ({run.plan})")


def _verdicts(compared: Mapping[str, Mapping[str, float]]) -> list[str]:
    lines = []
    for route, target in _TARGETS.items():
        if route in compared:
            ratio = compared[route]["libvips / 2 workers"]
            verdict = "reached" if ratio >= target else "NOT reached"
            lines.append(f"target {route}: libvips / 2 workers at least {target}: {ratio:.2f}, {verdict}")
    return lines


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
