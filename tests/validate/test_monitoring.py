"""Dashboard and rules: as made from the code, equal in the chart, and sensible to Grafana."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from support.rendered import CHART, ROOT

DASHBOARD = json.loads((ROOT / "deploy/dashboards/grisaille.json").read_text())
RULES = yaml.safe_load((ROOT / "deploy/alerts/grisaille.rules.yaml").read_text())


def panels() -> list[dict[str, Any]]:
    return [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]


@pytest.mark.parametrize(
    ("script", "name"),
    [("deploy/dashboards/build.py", "grisaille.json"), ("deploy/alerts/build.py", "grisaille.rules.yaml")],
)
def test_what_is_checked_in_is_what_is_made_here_and_in_the_chart(
    script: str, name: str, tmp_path: Path
) -> None:
    subprocess.run([sys.executable, ROOT / script, tmp_path], check=True)
    made = (tmp_path / name).read_text()
    assert (ROOT / script).with_name(name).read_text() == made
    assert (CHART / "files" / name).read_text() == made


def test_panels_are_questions_with_units_advice_and_queries() -> None:
    ids = [panel["id"] for panel in DASHBOARD["panels"]]
    assert len(ids) == len(set(ids))
    for panel in panels():
        assert panel["title"].endswith("?")
        assert panel["description"]
        assert panel["fieldConfig"]["defaults"]["unit"]
        assert panel["datasource"]["uid"] == "$datasource"
        assert panel["targets"]


def test_queries_select_the_namespace_and_rates_fit_the_zoom() -> None:
    for query in (target["expr"] for panel in panels() for target in panel["targets"]):
        assert query.count('namespace=~"$namespace"') == len(
            re.findall(r"\b(?:grisaille|process)_\w+", query)
        )
        assert set(re.findall(r"rate\([^\[]*\[([^\]]*)\]", query)) <= {"$__rate_interval"}


def test_every_alert_has_its_section_in_the_runbook() -> None:
    runbook = (ROOT / "docs/runbook.md").read_text()
    alerts = {rule["alert"] for group in RULES["groups"] for rule in group["rules"] if "alert" in rule}
    assert alerts == set(re.findall(r"^## (Grisaille\w+)$", runbook, re.MULTILINE))
