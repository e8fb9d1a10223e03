"""The manifests against Kubernetes' rules for restricted pods and against our own shutdown and slots."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from support.service import ROOT

from gateway.settings import GatewaySettings
from shared.service.server import GRACEFUL_SECONDS
from worker.settings import WorkerSettings

FILES = sorted((ROOT / "k8s/base").glob("*.yaml"))
SETTINGS = {"gateway": GatewaySettings(), "worker": WorkerSettings()}


def objects(path: Path) -> list[dict[str, Any]]:
    return [one for one in yaml.safe_load_all(path.read_text()) if one]


DEPLOYMENTS = {
    one["metadata"]["labels"]["app.kubernetes.io/component"]: one
    for path in FILES
    for one in objects(path)
    if one["kind"] == "Deployment"
}


@pytest.fixture(params=["gateway", "worker"])
def component(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


def pod(component: str) -> dict[str, Any]:
    spec: dict[str, Any] = DEPLOYMENTS[component]["spec"]["template"]["spec"]
    return spec


def test_every_file_is_in_the_base() -> None:
    listed = yaml.safe_load((ROOT / "k8s/base/kustomization.yaml").read_text())["resources"]
    assert sorted([*listed, "kustomization.yaml"]) == [path.name for path in FILES]


def test_pods_are_restricted(component: str) -> None:
    """Pod Security Standards, restricted; and a root that cannot be written to."""
    spec = pod(component)
    assert spec["securityContext"]["runAsNonRoot"] is True
    assert spec["securityContext"]["runAsUser"] != 0
    assert spec["securityContext"]["seccompProfile"]["type"] == "RuntimeDefault"
    for container in spec["containers"] + spec.get("initContainers", []):
        security = container["securityContext"]
        assert security["allowPrivilegeEscalation"] is False
        assert security["capabilities"] == {"drop": ["ALL"]}
        assert security["readOnlyRootFilesystem"] is True
    for volume in spec["volumes"]:
        assert "medium" not in volume["emptyDir"]  # memory it would be
        gibibytes = int(volume["emptyDir"]["sizeLimit"].removesuffix("Gi"))
        assert gibibytes << 30 > 1.25 * SETTINGS[component].spool_max_bytes
    assert not {"hostNetwork", "hostPID", "hostIPC"} & spec.keys()


def test_only_the_gateway_has_a_token_and_it_opens_one_door(component: str) -> None:
    assert pod(component)["automountServiceAccountToken"] is (component == "gateway")
    [role] = [one for path in FILES for one in objects(path) if one["kind"] == "Role"]
    assert role["rules"] == [
        {
            "apiGroups": ["discovery.k8s.io"],
            "resources": ["endpointslices"],
            "verbs": ["get", "list", "watch"],
        }
    ]


def test_the_grace_period_covers_drain_and_open_requests(component: str) -> None:
    needed = SETTINGS[component].drain_max_seconds + GRACEFUL_SECONDS + 5
    assert pod(component)["terminationGracePeriodSeconds"] >= needed


def test_probes_ask_the_internal_port(component: str) -> None:
    [container] = pod(component)["containers"]
    ports = {port["name"]: port["containerPort"] for port in container["ports"]}
    assert ports == {"http": SETTINGS[component].port, "internal": SETTINGS[component].internal_port}
    for probe, path in (("startup", "/readyz"), ("readiness", "/readyz"), ("liveness", "/healthz")):
        assert container[f"{probe}Probe"]["httpGet"] == {"path": path, "port": "internal"}


def test_apply_never_undoes_a_scale_of_the_workers() -> None:
    assert "replicas" not in DEPLOYMENTS["worker"]["spec"]


def test_connections_are_kept_alive_longer_than_they_are_used_again() -> None:
    assert SETTINGS["gateway"].keep_alive_seconds > 90  # the longest idle time of common ingresses
    assert GatewaySettings().client_idle_seconds < WorkerSettings().keep_alive_seconds
