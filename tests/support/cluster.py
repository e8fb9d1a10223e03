"""The service in a fresh namespace of the cluster of the current context, and what can be done to it."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from support.service import ROOT, within

INGRESS = os.environ.get("GRISAILLE_E2E_INGRESS", "http://127.0.0.1:8080")
"""Where the ingress controller is reached from here."""
_READY_SECONDS = 120.0


def kubectl(*arguments: str, stdin: str | None = None) -> str:
    """Its output; raises with what it said if it fails."""
    done = subprocess.run(
        ["kubectl", *arguments], input=stdin, capture_output=True, text=True, check=False, timeout=300
    )
    if done.returncode:
        raise RuntimeError(f"kubectl {' '.join(arguments)}: {done.stderr.strip()}")
    return done.stdout


@dataclass(frozen=True)
class Deployed:
    """The service in a namespace of its own."""

    namespace: str
    host: str

    @property
    def url(self) -> str:
        return INGRESS

    def kubectl(self, *arguments: str, stdin: str | None = None) -> str:
        """In the namespace."""
        return kubectl("--namespace", self.namespace, *arguments, stdin=stdin)

    def convert(self, data: bytes, query: str = "", host: str = "") -> httpx.Response:
        """What the ingress answers."""
        headers = {"Host": host or self.host}
        return httpx.post(f"{INGRESS}/convert{query}", content=data, headers=headers, timeout=180)

    def setting(self, name: str) -> str:
        """As the ConfigMap of the overlays has it."""
        return self.kubectl("get", "configmap", "grisaille", "--output", f"jsonpath={{.data.{name}}}")

    def pods(self, component: str) -> list[dict[str, Any]]:
        """That are not about to end."""
        selector = f"app.kubernetes.io/component={component}"
        found = json.loads(self.kubectl("get", "pods", "--selector", selector, "--output", "json"))["items"]
        return [pod for pod in found if "deletionTimestamp" not in pod["metadata"]]

    def ready(self, component: str) -> list[str]:
        """Names of the pods that are ready."""
        return [pod["metadata"]["name"] for pod in self.pods(component) if _is_ready(pod)]

    def scale(self, workers: int) -> None:
        """As the user does."""
        self.kubectl("scale", "deployment/grisaille-worker", f"--replicas={workers}")

    def await_workers(self, count: int) -> None:
        """Until so many are ready and no more are there."""
        assert within(
            lambda: len(self.ready("worker")) == count == len(self.pods("worker")), _READY_SECONDS
        ), self.kubectl("get", "pods")

    def roll_out(self, component: str) -> None:
        """Restart, and wait for the end of it."""
        self.kubectl("rollout", "restart", f"deployment/grisaille-{component}")
        self.await_rollout(component)

    def await_rollout(self, component: str) -> None:
        """Until all its pods are as they should be."""
        self.kubectl("rollout", "status", f"deployment/grisaille-{component}", "--timeout=240s")

    def restarts(self) -> int:
        """Of all containers."""
        pods = self.pods("gateway") + self.pods("worker")
        return sum(one["restartCount"] for pod in pods for one in pod["status"]["containerStatuses"])

    def metric(self, pod: str, port: int, name: str) -> float:
        """The sum of all series of a pod that begin so, by way of the API server."""
        path = f"/api/v1/namespaces/{self.namespace}/pods/{pod}:{port}/proxy/metrics"
        lines = kubectl("get", "--raw", path).splitlines()
        return sum(float(line.split()[-1]) for line in lines if line.startswith(name))


def _is_ready(pod: dict[str, Any]) -> bool:
    conditions = pod["status"].get("conditions", [])
    return any(one["type"] == "Ready" and one["status"] == "True" for one in conditions)


_OVERLAY = """
apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
namespace: {namespace}
resources: [{overlay}]
images:
  - {{name: grisaille-gateway, newName: docker.io/library/grisaille-gateway, newTag: e2e}}
  - {{name: grisaille-worker, newName: docker.io/library/grisaille-worker, newTag: e2e}}
patches:
  - patch: '[{{"op": "replace", "path": "/metadata/name", "value": "{namespace}"}}]'
    target: {{kind: Namespace}}
  - patch: '[{{"op": "replace", "path": "/spec/rules/0/host", "value": "{namespace}.grisaille.test"}}]'
    target: {{kind: Ingress}}
  - patch: '[{{"op": "replace", "path": "/spec/hostnames/0", "value": "{namespace}-route.grisaille.test"}}]'
    target: {{kind: HTTPRoute}}
"""


@contextlib.contextmanager
def kustomized(overlay: str) -> Iterator[Deployed]:
    """An overlay of ours in a namespace of its own; its pods' logs are printed if the block fails."""
    namespace = f"e2e-{secrets.token_hex(3)}"
    deployed = Deployed(namespace, f"{namespace}.grisaille.test")
    with tempfile.TemporaryDirectory(dir=ROOT / "k8s") as folder:
        relative = os.path.relpath(ROOT / "k8s/overlays" / overlay, folder)
        Path(folder, "kustomization.yaml").write_text(_OVERLAY.format(namespace=namespace, overlay=relative))
        objects = kubectl("kustomize", folder)
    try:
        kubectl("apply", "--filename", "-", stdin=objects)
        for component in ("gateway", "worker"):
            deployed.await_rollout(component)
        yield deployed
    except BaseException:
        print(_logs(deployed))
        raise
    finally:
        kubectl("delete", "namespace", namespace, "--wait=false")


def _logs(deployed: Deployed) -> str:
    with contextlib.suppress(RuntimeError):
        logs = ("logs", "--selector", "app.kubernetes.io/name=grisaille", "--prefix", "--tail=30")
        return deployed.kubectl("get", "pods,events") + deployed.kubectl(*logs)
    return "no logs"
