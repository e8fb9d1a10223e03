"""The rule file, by Prometheus' own tool: well formed, and alerts that fire and stay silent."""

from __future__ import annotations

import subprocess

from support.service import ROOT

ALERTS = ROOT / "deploy/alerts"


def promtool(*arguments: str) -> str:
    done = subprocess.run(["promtool", *arguments], cwd=ALERTS, capture_output=True, text=True, check=False)
    return "" if done.returncode == 0 else done.stdout + done.stderr


def test_rules_are_well_formed() -> None:
    assert promtool("check", "rules", "grisaille.rules.yaml") == ""


def test_alerts_fire_and_stay_silent() -> None:
    assert promtool("test", "rules", "grisaille.test.yaml") == ""
