"""Rendered objects against the schemas of several Kubernetes versions and its rules for restricted pods."""

from __future__ import annotations

from pathlib import Path

import jsonschema
import kubernetes_validate
import pytest
import yaml
from support.rendered import RENDERS, Object, objects, pods

VERSIONS = ["1.29", "1.33", kubernetes_validate.latest_version()]
"""The oldest that the chart supports, one between, the newest."""
CUSTOM = {
    kind: yaml.safe_load(Path(__file__).with_name(f"{kind.lower()}.schema.yaml").read_text())
    for kind in ("HTTPRoute", "PodMonitor", "PrometheusRule")
}

pytestmark = pytest.mark.parametrize("name", RENDERS)


@pytest.mark.parametrize("version", VERSIONS)
def test_objects_are_what_kubernetes_takes(name: str, version: str) -> None:
    for one in objects(name):
        if one["kind"] in CUSTOM:
            jsonschema.validate(one, CUSTOM[one["kind"]])
        else:
            kubernetes_validate.validate(one, version, strict=True)


def test_no_two_objects_are_the_same_and_selectors_find_pods(name: str) -> None:
    keys = [(one["kind"], one["metadata"]["name"]) for one in objects(name)]
    assert len(keys) == len(set(keys))
    labels = [
        one["spec"]["template"]["metadata"]["labels"] for one in objects(name) if one["kind"] == "Deployment"
    ]
    for selector in map(_selector, objects(name)):
        assert any(selector.items() <= pod.items() for pod in labels), selector


def _selector(one: Object) -> dict[str, str]:
    spec = one.get("spec", {})
    selector: dict[str, str] = spec.get("selector") or spec.get("podSelector") or {}
    return selector.get("matchLabels", selector)  # type: ignore[return-value]  # or the labels themselves


def test_pods_are_restricted(name: str) -> None:
    """Pod Security Standards, restricted, as the admission code checks it; and a root that is read-only."""
    for pod, spec in pods(name).items():
        assert spec["securityContext"]["runAsNonRoot"] is True, pod
        assert spec["securityContext"]["runAsUser"] == 10001, pod
        assert spec["securityContext"]["seccompProfile"]["type"] == "RuntimeDefault", pod
        for container in spec["containers"] + spec.get("initContainers", []):
            security = container["securityContext"]
            assert security["allowPrivilegeEscalation"] is False, pod
            assert security["capabilities"] == {"drop": ["ALL"]}, pod
            assert security["readOnlyRootFilesystem"] is True, pod
            assert not any("hostPort" in port for port in container.get("ports", [])), pod
        for volume in spec.get("volumes", []):
            assert volume.keys() & {"emptyDir", "configMap", "secret", "projected"}, pod
        assert not {"hostNetwork", "hostPID", "hostIPC"} & spec.keys(), pod
