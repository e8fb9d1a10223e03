"""A real Prometheus that scrapes the processes of a `Stack` as it would scrape pods."""

from __future__ import annotations

import contextlib
import os
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import yaml
from support.addresses import free_port
from support.service import ROOT, within
from support.stack import Stack

PROMETHEUS = os.environ.get("GRISAILLE_PROMETHEUS", "prometheus")
RULES = ROOT / "deploy/alerts/grisaille.rules.yaml"


@dataclass(frozen=True)
class Prometheus:
    """Its address and what it says."""

    url: str

    def get(self, path: str, **parameters: object) -> Any:
        """The data of an answer of its API."""
        answer = httpx.get(f"{self.url}/api/v1/{path}", params=parameters, timeout=30)  # type: ignore[arg-type]
        assert answer.status_code == 200, answer.text
        return answer.json()["data"]

    def value(self, query: str) -> float:
        """Of a query with one answer, now."""
        [found] = self.get("query", query=query)["result"]
        return float(found["value"][1])

    def series(self, query: str, seconds: float) -> list[list[float]]:
        """The values of each series over the last seconds, one a second."""
        return [values for _, _, values in self.labelled(query, seconds)]

    def labelled(self, query: str, seconds: float) -> list[tuple[dict[str, str], list[float], list[float]]]:
        """Labels, times in seconds from now, and values of each series."""
        now = time.time()
        found = self.get("query_range", query=query, start=now - seconds, end=now, step=1)["result"]
        return [
            (
                one["metric"],
                [at - now for at, _ in one["values"]],
                [float(value) for _, value in one["values"]],
            )
            for one in found
        ]


@contextlib.contextmanager
def prometheus(stack: Stack) -> Iterator[Prometheus]:
    """Scrapes every second, and has our rules."""
    targets = [
        {
            "targets": [f"{one.host}:{one.internal}" for one in servers],
            "labels": {"job": job, "namespace": "test"},
        }
        for job, servers in (("gateway", stack.gateways), ("worker", stack.workers))
    ]
    config = {
        "global": {"scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "1s"},
        "rule_files": [str(RULES)],
        "scrape_configs": [
            {
                "job_name": "stack",
                "static_configs": targets,
                "relabel_configs": [{"source_labels": ["__address__"], "target_label": "pod"}],
            }
        ],
    }
    port = free_port()
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "prometheus.yml").write_text(yaml.safe_dump(config))
        command = [
            PROMETHEUS,
            f"--config.file={folder}/prometheus.yml",
            f"--storage.tsdb.path={folder}/data",
        ]
        command += [f"--web.listen-address=127.0.0.1:{port}", "--log.level=error"]
        process = subprocess.Popen(command)
        server = Prometheus(f"http://127.0.0.1:{port}")
        try:
            assert within(lambda: is_ready(server))
            yield server
        finally:
            process.terminate()
            process.wait(30)


def is_ready(server: Prometheus) -> bool:
    with contextlib.suppress(httpx.TransportError):
        return httpx.get(f"{server.url}/-/ready", timeout=1).is_success
    return False
