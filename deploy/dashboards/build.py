"""`python deploy/dashboards/build.py [FOLDER]`: grisaille.json from `panels`, by Grafana's foundation SDK.

It is written beside this file and into the chart, which can only ship what lies inside it.
"""

from __future__ import annotations

import re
import sys
from itertools import count
from pathlib import Path

from grafana_foundation_sdk.builders import common, dashboard, prometheus, timeseries
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.common import GraphDrawStyle, StackingMode, VisibilityMode
from grafana_foundation_sdk.models.dashboard import (
    DashboardCursorSync,
    DataSourceRef,
    VariableOption,
    VariableRefresh,
)
from panel import Panel
from panels import ROWS

HERE = Path(__file__).parent
_CHART = HERE.parents[1] / "helm/grisaille/files"
_SOURCE = DataSourceRef(type_val="prometheus", uid="$datasource")
_BY = 'namespace=~"$namespace"'
_SCALED = 'changes(max(grisaille_gateway_workers<by,state="known">)[$__rate_interval:]) > 0'


def filled(query: str) -> str:
    """A query of `panels` for Grafana."""
    selected = re.sub(r"<by(,[^>]*)?>", lambda more: "{" + _BY + (more[1] or "") + "}", query)
    return selected.replace("<rate>", "$__rate_interval")


def _panel(panel: Panel) -> timeseries.Panel:
    built = (
        timeseries.Panel()
        .title(panel.title)
        .description(panel.advice)
        .datasource(_SOURCE)
        .unit(panel.unit)
        .min(0)
        .draw_style(GraphDrawStyle.LINE)
        .show_points(VisibilityMode.NEVER)
        .fill_opacity(30 if panel.stacked else 5)
        .span(8)
        .height(8)
    )
    if panel.stacked:
        built.stacking(common.StackingConfig().mode(StackingMode.NORMAL))
    for letter, (query, legend) in zip("ABCD", panel.queries, strict=False):
        built.with_target(
            prometheus.Dataquery().ref_id(letter).expr(filled(query)).legend_format(legend).range()
        )
    return built


def built() -> str:
    """The dashboard as JSON."""
    namespaces = (
        dashboard.QueryVariable("namespace")
        .label("Namespace")
        .datasource(_SOURCE)
        .query("label_values(grisaille_gateway_build_info, namespace)")
        .refresh(VariableRefresh.ON_TIME_RANGE_CHANGED)
        .include_all(True)
        .current(VariableOption(text="All", value="$__all"))
    )
    scaled = dashboard.AnnotationQuery().name("Workers scaled").datasource(_SOURCE).expr(filled(_SCALED))
    made = (
        dashboard.Dashboard("Grisaille")
        .uid("grisaille")
        .description("Is it slow, where, for whom, which pod, since when, and what to do.")
        .tags(["grisaille"])
        .refresh("10s")
        .time("now-1h", "now")
        .timezone("browser")
        .tooltip(DashboardCursorSync.CROSSHAIR)
        .with_variable(dashboard.DatasourceVariable("datasource").label("Data source").type("prometheus"))
        .with_variable(namespaces)
        .annotation(scaled.icon_color("blue"))
    )
    numbers = count(1)
    for title, panels in ROWS.items():
        made.with_row(dashboard.Row(title).id(next(numbers)))
        for panel in panels:
            made.with_panel(_panel(panel).id(next(numbers)))
    encoded: str = JSONEncoder(sort_keys=True, indent=2).encode(made.build())
    return encoded + "\n"


def main() -> None:
    """Write it."""
    folders = [Path(sys.argv[1])] if len(sys.argv) > 1 else [HERE, _CHART]
    for folder in folders:
        (folder / "grisaille.json").write_text(built())


if __name__ == "__main__":
    main()
