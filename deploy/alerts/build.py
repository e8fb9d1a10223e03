"""`python deploy/alerts/build.py [FOLDER]`: grisaille.rules.yaml, recording rules and alerts.

Burn rates over several windows as in Google's SRE Workbook, chapter 5 ("Alerting on SLOs"), method 6: how
many times as fast as the objective allows its error budget is used up, over a long window and a short one.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import yaml

HERE = Path(__file__).parent
_CHART = HERE.parents[1] / "helm/grisaille/files"
_RUNBOOK = "docs/runbook.md#"

OBJECTIVES = {
    "availability": (0.999, 'outcome=~"overloaded|failed"'),
    "latency": (0.99, None),
}
"""Share of good requests. Latency: of the pictures that were converted, within a second of ours."""
_BURNS = [
    ("page", 14.4, "1h", "5m", "2m"),
    ("page", 6.0, "6h", "30m", "15m"),
    ("ticket", 1.0, "3d", "6h", "1h"),
]
"""(severity, burn rate, long window, short window, for)."""
_WINDOWS = ["5m", "30m", "1h", "6h", "3d"]
_LEAST_REQUESTS = 0.02
"""A second, over the long window: of three requests a minute one bad one is no emergency."""
_SECONDS = "grisaille_gateway_request_seconds"
_SERVICE = "grisaille_gateway_service_seconds"


def _bad_share(objective: str, window: str) -> str:
    if objective == "availability":
        bad = f"rate({_SECONDS}_count{{{OBJECTIVES[objective][1]}}}[{window}])"
        return f"sum by (namespace) ({bad}) / sum by (namespace) (rate({_SECONDS}_count[{window}]))"
    slow, all_of_them = f'{_SERVICE}_bucket{{le="1.0"}}', f"{_SERVICE}_count"
    within = (
        f"sum by (namespace) (rate({slow}[{window}])) / sum by (namespace) (rate({all_of_them}[{window}]))"
    )
    return f"1 - {within}"


def _records() -> list[dict[str, Any]]:
    shares = [
        {"record": f"grisaille:{objective}:bad_ratio_rate{window}", "expr": _bad_share(objective, window)}
        for objective in OBJECTIVES
        for window in _WINDOWS
    ]
    rates = [
        {
            "record": f"grisaille:requests:rate{window}",
            "expr": f"sum by (namespace) (rate({_SECONDS}_count[{window}]))",
        }
        for window in _WINDOWS
    ]
    return shares + rates


def _burn(objective: str) -> list[dict[str, Any]]:
    budget = 1 - OBJECTIVES[objective][0]
    ratio = f"grisaille:{objective}:bad_ratio_rate"
    return [
        _alert(
            f"Grisaille{objective.title()}BudgetBurns",
            f"{ratio}{long} > {burn * budget:.4g} and {ratio}{short} > {burn * budget:.4g}"
            f" and grisaille:requests:rate{long} > {_LEAST_REQUESTS}",
            severity,
            f"{burn:g} times as many bad requests as the {objective} objective allows, over {long}, {short}",
            wait,
            window=long,
        )
        for severity, burn, long, short, wait in _BURNS
    ]


def _alert(name: str, expr: str, severity: str, summary: str, wait: str, **labels: str) -> dict[str, Any]:
    return {
        "alert": name,
        "expr": expr,
        "for": wait,
        "labels": {"severity": severity, **labels},
        "annotations": {"summary": summary, "runbook_url": _RUNBOOK + name.lower()},
    }


def _causes() -> list[dict[str, Any]]:
    return [
        _alert(
            "GrisailleNoWorkers",
            'max by (namespace) (grisaille_gateway_workers{state="ready"}) == 0',
            "page",
            "No gateway has a worker that is ready: large pictures are refused",
            "1m",
        ),
        _alert(
            "GrisailleSaturated",
            "max by (namespace) (grisaille_gateway_conversions / grisaille_gateway_conversions_limit) > 0.9",
            "ticket",
            "As many conversions as the workers may have, for ten minutes",
            "10m",
        ),
        _alert(
            "GrisailleRetryBudgetExhausted",
            "sum by (namespace) (rate(grisaille_gateway_retry_budget_exhausted_total[5m]))"
            " > 0.05 * sum by (namespace) (rate(grisaille_gateway_parts_total[5m]))",
            "ticket",
            "So many attempts on workers fail that retries have to wait",
            "5m",
        ),
        _alert(
            "GrisailleWorkersEjected",
            "sum by (namespace) (increase(grisaille_gateway_ejections_total[10m])) > 3",  # one is soon back
            "ticket",
            "Workers fail, or are three times slower than their peers, again and again",
            "5m",
        ),
        _alert(
            "GrisailleMemoryNearLimit",
            "max by (namespace, pod)"
            " (grisaille_worker_memory_bytes / grisaille_worker_memory_limit_bytes) > 0.9"
            " or max by (namespace, pod)"
            " (grisaille_gateway_memory_bytes / grisaille_gateway_memory_limit_bytes) > 0.9",
            "ticket",
            "A container is near its memory limit",
            "5m",
        ),
    ]


def built() -> str:
    """The rule file."""
    groups = [
        {"name": "grisaille-objectives", "interval": "30s", "rules": _records()},
        {
            "name": "grisaille-burn",
            "rules": [alert for objective in OBJECTIVES for alert in _burn(objective)],
        },
        {"name": "grisaille-causes", "rules": _causes()},
    ]
    head = "# Made by build.py beside deploy/alerts/grisaille.rules.yaml.\n"
    rules: str = yaml.safe_dump({"groups": groups}, sort_keys=False, width=100)
    return head + rules


def main() -> None:
    """Write it."""
    folders = [Path(sys.argv[1])] if len(sys.argv) > 1 else [HERE, _CHART]
    for folder in folders:
        (folder / "grisaille.rules.yaml").write_text(built())


if __name__ == "__main__":
    main()
