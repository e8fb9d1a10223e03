"""The picture of the measurements: speed-up by workers, beside the ideal and the predecessor's."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from bench import columns
from bench.chart import COLOURS, IDEAL, PAST, Line, Panel, draw
from bench.scaling.results import Scaling
from bench.scaling.trial import IN_FLIGHT

_NAMES = {
    "rst-png": "JPEG with markers to PNG",
    "rst-jpeg": "JPEG with markers to JPEG",
    "jpeg-png": "JPEG without markers to PNG",
    "jpeg-jpeg": "JPEG without markers to JPEG",
    "png-png": "PNG to PNG",
}


def draw_scaling(measured: Mapping[str, Mapping[str, Scaling]]) -> str:
    """An SVG of every quota of the gateway: one image at a time, and many in flight."""
    panels = []
    for quota, routes in measured.items():
        panels += [
            Panel(f"one image, {quota}", _lines(routes, lambda one: _gains(one.latency, one.speedup))),
            Panel(
                f"{IN_FLIGHT} in flight, {quota}",
                _lines(routes, lambda one: _gains(one.throughput, one.flow_speedup)),
            ),
        ]
    return draw(panels, "workers with a tenth of a core each", "times as fast as one thread")


def _gains(counts: Mapping[int, object], gain: Callable[[int], float]) -> dict[int, float]:
    return {count: gain(count) for count in counts}


def _lines(routes: Mapping[str, Scaling], values: Callable[[Scaling], dict[int, float]]) -> list[Line]:
    found = {route: values(one) for route, one in routes.items()}
    counts = {count for gains in found.values() for count in gains}
    past = {count: columns.speedup(columns.PUBLISHED, count) for count in columns.PUBLISHED}
    colours = zip(_NAMES.items(), COLOURS, strict=True)
    return [
        Line("ideal", IDEAL, {count: count for count in (0, *sorted(counts))}),
        Line("the predecessor, as published", PAST, past),
        *(Line(name, style, found[route]) for (route, name), style in colours if route in found),
    ]
