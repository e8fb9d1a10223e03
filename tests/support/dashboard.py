"""The dashboard's panels as one picture, from the answers of a real Prometheus to their own queries."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from support.prometheus import Prometheus

_COLUMNS = 3
_UNITS = {"s": "s", "reqps": "/s", "ops": "/s", "percentunit": "%", "Bps": "MB/s", "bytes": "MB", "none": ""}
_SCALES = {"percentunit": 100.0, "Bps": 1e-6, "bytes": 1e-6}


def draw(
    server: Prometheus,
    panels: Sequence[Mapping[str, Any]],
    asked: Callable[[str], str],
    seconds: float,
    path: str,
) -> None:
    """Write the picture; `asked` fills in a query's variables."""
    rows = -(-len(panels) // _COLUMNS)
    figure = Figure(figsize=(15, 2.3 * rows), layout="constrained")
    for place, panel in enumerate(panels, 1):
        axes = figure.add_subplot(rows, _COLUMNS, place)
        _plot(axes, server, panel, asked, seconds)
    figure.savefig(path)


def _plot(
    axes: Axes,
    server: Prometheus,
    panel: Mapping[str, Any],
    asked: Callable[[str], str],
    seconds: float,
) -> None:
    unit = panel["fieldConfig"]["defaults"]["unit"]
    for target in panel["targets"]:
        for labels, times, values in server.labelled(asked(target["expr"]), seconds):
            legend = _legend(target["legendFormat"], labels)
            axes.plot(times, [value * _SCALES.get(unit, 1.0) for value in values], label=legend, linewidth=1)
    axes.set_title(panel["title"], fontsize=9, loc="left")
    axes.set_ylabel(_UNITS[unit], fontsize=7)
    axes.set_ylim(bottom=0)
    axes.tick_params(labelsize=6)
    if axes.lines:  # a panel may have nothing to say: nobody failed
        axes.legend(fontsize=5, loc="upper left")


def _legend(form: str, labels: Mapping[str, str]) -> str:
    def value(name: re.Match[str]) -> str:
        return labels.get(name[1], "")

    return re.sub(r"{{(\w+)}}", value, form) or " "
