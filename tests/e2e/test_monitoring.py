"""A Prometheus in the cluster finds the pods as the chart's PodMonitor says, and new ones by themselves."""

from __future__ import annotations

import json
import secrets
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import yaml
from support.cluster import Deployed, kubectl
from support.load import Load, mixed
from support.service import ROOT, within

CHART = str(ROOT / "helm/grisaille")


def scrape_config(monitor: dict[str, Any], namespace: str) -> dict[str, Any]:
    """What the Prometheus operator makes of a PodMonitor."""
    [endpoint] = monitor["podMetricsEndpoints"]

    def label(name: str) -> str:
        return "__meta_kubernetes_pod_label_" + name.replace(".", "_").replace("/", "_")

    keep = [
        {"source_labels": [label(name)], "regex": value, "action": "keep"}
        for name, value in monitor["selector"]["matchLabels"].items()
    ]
    port = {"source_labels": ["__meta_kubernetes_pod_container_port_name"], "regex": endpoint["port"]}
    named = [
        {"source_labels": [source], "target_label": target}
        for source, target in (
            ("__meta_kubernetes_namespace", "namespace"),
            ("__meta_kubernetes_pod_name", "pod"),
            (label(monitor["jobLabel"]), "job"),
        )
    ]
    return {
        "job_name": "grisaille",
        "scrape_interval": "2s",
        "scrape_timeout": "2s",
        "kubernetes_sd_configs": [{"role": "pod", "namespaces": {"names": [namespace]}}],
        "relabel_configs": [*keep, {**port, "action": "keep"}, *named],
    }


def rendered(namespace: str, monitoring: str) -> list[dict[str, Any]]:
    """The chart's objects, small, with a PodMonitor and that namespace let in to the metrics."""
    small = {"requests": {"cpu": "100m", "memory": "256Mi"}, "limits": {"memory": "768Mi"}}
    values = {
        "image": {"registry": "docker.io/library/", "tag": "e2e"},
        "gateway": {"replicas": 1, "resources": small},
        "worker": {"replicas": 2, "resources": small},
        "ingress": {"enabled": True, "hosts": [f"{namespace}.grisaille.test"]},
        "metrics": {"podMonitor": {"enabled": True}},
        "networkPolicy": {
            "metricsFrom": [
                {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": monitoring}}}
            ]
        },
    }
    command = ["helm", "template", "grisaille", CHART, "--namespace", namespace, "--values", "-"]
    done = subprocess.run(command, input=yaml.safe_dump(values), capture_output=True, text=True, check=True)
    return [one for one in yaml.safe_load_all(done.stdout) if one]


@pytest.fixture
def watched() -> Iterator[tuple[Deployed, str]]:
    """A release, and the namespace of a Prometheus that its network policies let in."""
    namespace = f"e2e-{secrets.token_hex(3)}"
    monitoring = f"{namespace}-monitoring"
    found = rendered(namespace, monitoring)
    [monitor] = [one for one in found if one["kind"] == "PodMonitor"]
    others = [one for one in found if one["kind"] not in {"PodMonitor", "Pod"}]  # no operator, no test pod
    config = {"scrape_configs": [scrape_config(monitor["spec"], namespace)]}
    objects = Path(ROOT / "tests/e2e/prometheus.yaml").read_text()
    objects = objects.replace("{monitoring}", monitoring).replace("{namespace}", namespace)
    try:
        for name in (namespace, monitoring):
            kubectl("create", "namespace", name)
        kubectl("apply", "--namespace", namespace, "--filename", "-", stdin=yaml.safe_dump_all(others))
        kubectl(
            *("create", "configmap", "prometheus", "--namespace", monitoring),
            f"--from-literal=prometheus.yml={yaml.safe_dump(config)}",
        )
        kubectl("apply", "--filename", "-", stdin=objects)
        deployed = Deployed(namespace, f"{namespace}.grisaille.test")
        for component in ("gateway", "worker"):
            deployed.await_rollout(component)
        kubectl("wait", "--namespace", monitoring, "--for=condition=Ready", "pod/prometheus", "--timeout=60s")
        yield deployed, monitoring
    finally:
        for name in (namespace, monitoring):
            kubectl("delete", "namespace", name, "--wait=false")


def test_prometheus_finds_the_pods_and_new_ones_after_a_scale(watched: tuple[Deployed, str]) -> None:
    service, monitoring = watched

    def value(query: str) -> float:
        path = f"/api/v1/namespaces/{monitoring}/pods/prometheus:9090/proxy/api/v1/query?query={quote(query)}"
        found = json.loads(kubectl("get", "--raw", path))["data"]["result"]
        return float(found[0]["value"][1]) if found else 0.0

    assert within(lambda: value('count(up{job="worker"} == 1)') == 2, seconds=60)
    assert value('count(up{job="gateway"} == 1)') == 1
    service.scale(3)
    service.await_workers(3)
    assert within(lambda: value('count(up{job="worker"} == 1)') == 3, seconds=60)
    with Load(service.url, mixed(), 3, host=service.host) as steady:
        working = 'count(rate(grisaille_worker_conversions_total{outcome="ok"}[10s]) > 0)'
        assert within(lambda: value(working) == 3, seconds=60)
    assert not steady.failures(least=20)
    assert 0 < value("max(grisaille_worker_memory_bytes / grisaille_worker_memory_limit_bytes)") < 1
    assert value('max(grisaille_gateway_workers{state="ready"})') == 3
