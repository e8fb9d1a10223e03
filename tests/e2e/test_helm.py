"""The chart on a real cluster, with every Helm that is there: from install to uninstall."""

from __future__ import annotations

import json
import secrets
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
import yaml
from support.cluster import INGRESS, Deployed, kubectl
from support.images import photo, png
from support.service import ROOT, within

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

    def values(self, folder: Path, **config: str) -> str:
        values = {
            "image": {"registry": "docker.io/library/", "tag": "e2e"},
            "config": config,
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

    def generation(self) -> str:
        path = "jsonpath={.metadata.generation}"
        return self.kubectl("get", "deployment", "grisaille-worker", "--output", path)


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
    changed = release.values(tmp_path, LOG_LEVEL="warning")
    before = release.generation()
    run(helm, "upgrade", *named, *in_time, "--values", changed)
    assert release.generation() != before
    assert release.replicas("worker") == 2
    # A revision keeps the number it was rendered with; Helm 4 has to be told that it counts.
    force = ("--force-conflicts",) if "--force-conflicts" in run(helm, "rollback", "--help") else ()
    run(helm, "rollback", "grisaille", "1", "--namespace", release.namespace, *in_time, *force)
    assert httpx.post(f"{INGRESS}/convert", content=small, headers=headers).is_success

    run(helm, "uninstall", "grisaille", "--namespace", release.namespace, "--wait")
    selector = ("--selector", "app.kubernetes.io/instance=grisaille", "--output", "json")
    kinds = "all,configmap,serviceaccount,role,rolebinding,networkpolicy,ingress,poddisruptionbudget"

    def left() -> list[str]:
        items = json.loads(release.kubectl("get", kinds, *selector))["items"]
        return [f"{item['kind']} {item['metadata']['name']}" for item in items]

    assert within(lambda: not left(), seconds=120), left()


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
