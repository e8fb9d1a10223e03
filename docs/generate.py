"""`python -m docs.generate`: the pages that are made from the code."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from random import Random

from prometheus_client import CollectorRegistry
from prometheus_client.metrics_core import Metric
from pydantic.fields import FieldInfo

from gateway.admission import Admission
from gateway.fanout.pool import Pool
from gateway.metrics import GatewayMetrics
from gateway.settings import GatewaySettings
from shared.options import TABLE
from shared.problems import KINDS
from shared.service.registry import new_registry
from shared.service.settings import ServiceSettings
from worker.metrics import WorkerMetrics
from worker.settings import WorkerSettings

_DOCS = Path(__file__).parent

_SETTINGS_HEAD = """\
# Settings

Environment variables, each `GRISAILLE_` and a name below; in the chart's `config` without the prefix. Made
from the code by `python -m docs.generate`. What a value may not be is refused at the start, by name.
"""


def settings() -> str:
    """docs/settings.md."""
    gateway, worker = GatewaySettings.model_fields, WorkerSettings.model_fields
    both = list(ServiceSettings.model_fields)
    tables = {
        "Of both services": [(name, gateway[name], _default(gateway[name], worker[name])) for name in both],
        "Of a gateway": [(k, v, _default(v)) for k, v in gateway.items() if k not in both],
        "Of a worker": [(k, v, _default(v)) for k, v in worker.items() if k not in both],
    }
    return _SETTINGS_HEAD + "".join(_table(title, rows) for title, rows in tables.items())


def _table(title: str, rows: list[tuple[str, FieldInfo, str]]) -> str:
    lines = "".join(f"| `{name.upper()}` | {default} | {one.description} |\n" for name, one, default in rows)
    return f"\n## {title}\n\n| name | default | what it is |\n|---|---|---|\n{lines}"


def _default(*fields: FieldInfo) -> str:
    """The one default, or a gateway's and a worker's."""
    values = dict.fromkeys(str(field.get_default(call_default_factory=True)) for field in fields)
    return ", worker ".join(f"`{value}`" for value in values if value)


_METRICS_HEAD = """\
# Metrics

On the internal port (gateway 9006, worker 9000), `/metrics`; made from the code by `python -m docs.generate`.
Counters and histograms are per process: add them up over pods. No label names a pod; Prometheus adds that.

With the Prometheus operator: `metrics.podMonitor.enabled`, `metrics.prometheusRule.enabled` and
`metrics.dashboard.enabled` in the chart's values. Without: scrape the pods' port `internal` with `job` set to
`gateway` or `worker`, load `deploy/alerts/grisaille.rules.yaml`, import `deploy/dashboards/grisaille.json`.

What the dashboard asks, answered by a Prometheus while a worker was killed twice, another crawled, and twelve
clients asked for more than there was room for (`pytest tests/observability --picture docs/dashboard.png`):

![All panels, drawn from their own queries](dashboard.png)
"""


_SUFFIX = {"counter": "_total", "info": "_info"}


def metrics() -> str:
    """docs/metrics.md."""
    gateway, worker = new_registry("gateway"), new_registry("worker")
    served = GatewayMetrics(gateway)
    pool = Pool(Random(0), lambda: 0.0)  # noqa: S311 - it is asked for its size alone
    served.watch(pool, Admission.of(GatewaySettings(), lambda: 1, lambda _: None))
    WorkerMetrics(worker)
    tables = (("Of a gateway", gateway), ("Of a worker", worker))
    return _METRICS_HEAD + "".join(_metrics_table(title, registry) for title, registry in tables)


def _metrics_table(title: str, registry: CollectorRegistry) -> str:
    lines = "".join(
        f"| `{metric.name}{_SUFFIX.get(metric.type, '')}` | {metric.type} | {_labels(metric)} "
        f"| {metric.documentation} |\n"
        for metric in registry.collect()
        if metric.name.startswith("grisaille_")
    )
    return f"\n## {title}\n\n| name | type | labels | what it is |\n|---|---|---|---|\n{lines}"


def _labels(metric: Metric) -> str:
    values: dict[str, dict[str, None]] = {}
    for sample in metric.samples:
        for name, value in sample.labels.items():
            values.setdefault(name, {})[value] = None
    return "; ".join(
        f"`{name}`: {', '.join(found)}" for name, found in values.items() if name not in {"le", "version"}
    )


_ADVICE = {
    "invalid-request": "Read `detail`.",
    "invalid-option": "Use one of the values that `detail` lists.",
    "invalid-multipart": "Send files alone, options in the query; several files go to `/batch`.",
    "invalid-archive": "Pack the archive anew.",
    "empty-body": "Send the image; with curl, `--data-binary @photo.jpg`.",
    "not-found": "Look at the paths above.",
    "method-not-allowed": "Use one of the methods in `Allow`.",
    "slow-upload": "Try again on a better line, or move the setting.",
    "upload-too-large": "Send less at a time, or move the setting.",
    "unsupported": "Convert it to another format first.",
    "unsupported-format": "Convert it to another format first; `detail` lists those we read.",
    "unsupported-encoding": "Send the body without Content-Encoding.",
    "unsupported-archive": "Pack without a password, with deflate; a single image goes to `/convert`.",
    "unprocessable": "Read `detail`.",
    "malformed-image": "The file is damaged: get it from its source again.",
    "image-too-large": "Make it smaller, or move the setting; a limit of a format wants another `format`.",
    "decoder-crash": "The file is damaged, or an attack; do not send it again.",
    "internal": "A defect: report it with the `request_id`.",
    "unavailable": "Try again after `Retry-After` seconds.",
    "overloaded": "Try again after `Retry-After` seconds; more workers make room.",
    "no-worker": "Try again after `Retry-After` seconds; if it stays so, start workers.",
    "deadline": "Try again; if it stays so, the image is too much for the workers there are.",
}
"""What a caller can do about each problem."""


def api() -> str:
    """docs/api.md: written by hand but for two tables."""
    options = "| name | values, default first where there is one | meaning |\n|---|---|---|\n" + "".join(
        f"| `{option.name}` | {option.values} | {option.meaning} |\n" for option in TABLE
    )
    errors = (
        "| status | type, behind `urn:grisaille:problem:` | what it is | what to do |\n|---|---|---|---|\n"
    )
    errors += "".join(
        f"| {kind.status} | `{slug}` | {kind.title} | {_ADVICE[slug]} |\n" for slug, kind in KINDS.items()
    )
    text = (_DOCS / "api.md").read_text()
    for name, table in (("options", options), ("errors", errors)):
        begin = f"<!-- {name}: made by docs/generate.py -->\n"
        before, _, rest = text.partition(begin)
        text = before + begin + table + rest[rest.index("<!-- end -->") :]
    return text


PAGES: dict[str, Callable[[], str]] = {"api.md": api, "metrics.md": metrics, "settings.md": settings}


def main() -> None:
    """Write every page, into another folder if one is named."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else _DOCS
    for name, page in PAGES.items():
        (folder / name).write_text(page())


if __name__ == "__main__":
    main()
