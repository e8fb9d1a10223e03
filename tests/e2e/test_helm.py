"""The chart on a real cluster, with every Helm that is there: from install to uninstall."""

from __future__ import annotations

import json
import secrets
import shutil
import subprocess
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from support.cluster import INGRESS, Deployed, kubectl
from support.images import grey, jpeg, photo, png
from support.service import ROOT, plan, within

from shared.options import Options

HELMS = [name for name in ("helm", "helm-3") if shutil.which(name)]
CHART = str(ROOT / "helm/grisaille")
SMALL = {"requests": {"cpu": "100m", "memory": "256Mi"}, "limits": {"memory": "512Mi"}}


def run(helm: str, *arguments: str) -> str:
    done = subprocess.run([helm, *arguments], capture_output=True, text=True, check=False, timeout=400)
    if done.returncode:
        raise RuntimeError(f"{helm} {' '.join(arguments)}: {done.stderr.strip()}")
    return done.stdout


class Release(Deployed):
    """The chart under the release name `grisaille`."""

    def values(
        self, folder: Path, *, tag: str = "e2e", discovery: str = "endpointSlices", **config: str
    ) -> str:
        values = {
            "image": {"registry": "docker.io/library/", "tag": tag},
            "config": config,
            "discovery": {"mode": discovery, "slotsBehindService": 4},
            "gateway": {"resources": SMALL},
            "worker": {"resources": SMALL},
            "ingress": {"enabled": True, "hosts": [self.host]},
        }
        path = folder / "values.yaml"
        path.write_text(yaml.safe_dump(values))
        return str(path)

    def replicas(self, component: str) -> int:
        path = "jsonpath={.spec.replicas}"
        return int(self.kubectl("get", "deployment", f"grisaille-{component}", "--output", path))

    def images(self) -> set[str]:
        pods = self.pods("gateway") + self.pods("worker")
        return {pod["spec"]["containers"][0]["image"].rsplit(":", 1)[1] for pod in pods}


@pytest.fixture
def release() -> Iterator[Release]:
    namespace = f"e2e-{secrets.token_hex(3)}"
    kubectl("create", "namespace", namespace)
    kubectl("label", "namespace", namespace, "pod-security.kubernetes.io/enforce=restricted")
    try:
        yield Release(namespace, f"{namespace}.grisaille.test")
    finally:
        kubectl("delete", "namespace", namespace, "--wait=false")


@pytest.mark.parametrize("helm", HELMS)
def test_the_life_of_a_release(helm: str, release: Release, tmp_path: Path) -> None:
    named = ("grisaille", CHART, "--namespace", release.namespace)
    in_time = ("--wait", "--timeout", "240s")
    notes = run(helm, "install", *named, *in_time, "--values", release.values(tmp_path, LOG_LEVEL="info"))
    assert "kubectl --namespace" in notes
    assert (release.replicas("gateway"), release.replicas("worker")) == (2, 3)
    assert "Succeeded" in run(helm, "test", "grisaille", "--namespace", release.namespace)
    headers = {"Host": release.host}
    small = png(photo(64, 64))
    assert within(lambda: httpx.post(f"{INGRESS}/convert", content=small, headers=headers).is_success)

    release.scale(2)
    release.await_workers(2)
    changed = release.values(tmp_path, tag="e2e-next", LOG_LEVEL="warning")
    run(helm, "upgrade", *named, *in_time, "--values", changed)
    assert within(lambda: release.images() == {"e2e-next"}, seconds=60)
    assert release.replicas("worker") == 2
    # A revision keeps the number it was rendered with; Helm 4 has to be told that it counts.
    force = ("--force-conflicts",) if "--force-conflicts" in run(helm, "rollback", "--help") else ()
    run(helm, "rollback", "grisaille", "1", "--namespace", release.namespace, *in_time, *force)
    assert within(lambda: release.images() == {"e2e"}, seconds=60)
    assert httpx.post(f"{INGRESS}/convert", content=small, headers=headers).is_success

    run(helm, "uninstall", "grisaille", "--namespace", release.namespace, "--wait")
    selector = ("--selector", "app.kubernetes.io/instance=grisaille", "--output", "json")
    kinds = "all,configmap,serviceaccount,role,rolebinding,networkpolicy,ingress,poddisruptionbudget"

    def left() -> list[str]:
        items = json.loads(release.kubectl("get", kinds, *selector))["items"]
        return [f"{item['kind']} {item['metadata']['name']}" for item in items]

    assert within(lambda: not left(), seconds=120), left()


@pytest.mark.parametrize("discovery", ["endpointSlices", "dns", "service"])
def test_each_way_to_find_workers(discovery: str, release: Release, tmp_path: Path) -> None:
    values = release.values(tmp_path, discovery=discovery)
    counts = ("--set", "gateway.replicas=1", "--set", "worker.replicas=2")
    where = ("--namespace", release.namespace, "--wait", "--timeout", "240s")
    run(HELMS[0], "install", "grisaille", CHART, *where, "--values", values, *counts)
    [gateway] = release.ready("gateway")
    for component in ("gateway", "worker"):
        for pod in release.pods(component):
            print(f"{component} ready {seconds_to_ready(pod):.0f} s after its start")

    def known() -> float:
        return release.metric(gateway, 9006, 'grisaille_gateway_workers{state="ready"}')

    seen = 1 if discovery == "service" else 2
    assert within(lambda: known() == seen)
    picture = jpeg(photo(1600, 1200))

    def answer() -> httpx.Response:
        asked = f"{INGRESS}/convert?stripes=2"
        return httpx.post(asked, content=picture, headers={"Host": release.host}, timeout=60)

    assert within(lambda: answer().is_success)
    assert plan(answer()) == ("stripes", 2)
    assert answer().content == grey(picture, Options())
    if discovery != "service":
        release.scale(3)
        assert within(lambda: len(release.ready("worker")) == 3, seconds=60)
        begin = time.monotonic()
        assert within(lambda: known() == 3, seconds=60)
        print(f"{discovery}: a new worker is known {time.monotonic() - begin:.1f} s after it was seen ready")


def seconds_to_ready(pod: dict[str, Any]) -> float:
    """From the start of its container to its being ready, as the cluster has it: in whole seconds."""
    started = pod["status"]["containerStatuses"][0]["state"]["running"]["startedAt"]
    [ready] = [one for one in pod["status"]["conditions"] if one["type"] == "Ready"]
    return (
        datetime.fromisoformat(ready["lastTransitionTime"]) - datetime.fromisoformat(started)
    ).total_seconds()


@pytest.mark.parametrize("helm", HELMS)
@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ("worker.replicsCount=3", "replicsCount"),
        ("discovery.mode=carrier-pigeons", "mode"),
        ("worker.terminationGracePeriodSeconds=10", "terminationGracePeriodSeconds"),
        ("httpRoute.enabled=true", "httpRoute.parentRefs"),
    ],
)
def test_wrong_values_are_refused_by_name(helm: str, wrong: str, said: str) -> None:
    with pytest.raises(RuntimeError, match=said):
        run(helm, "template", "x", CHART, "--kube-version", "1.35.0", "--set", wrong)
