"""The chart's own checks: lint, values that contradict each other, and numbers that mean something."""

from __future__ import annotations

import helm_python
import pytest
import yaml
from support.rendered import CHART, Object, chart, from_chart


def replicas(values: Object) -> list[object]:
    found = [one for one in yaml.safe_load_all(from_chart(values)) if one and one["kind"] == "Deployment"]
    return [one["spec"].get("replicas") for one in found]


def test_helm_has_nothing_to_complain_about() -> None:
    report = helm_python.lint(str(CHART), strict=True, kube_version="v1.35.0")
    assert report["errors"] == []
    assert {message["error"] for message in report["messages"]} <= {"icon is recommended"}


def test_zero_is_a_number_of_replicas_and_null_the_first_one() -> None:
    assert replicas({"gateway": {"replicas": 0}, "worker": {"replicas": 0}}) == [0, 0]
    assert replicas({}) == [2, 3]
    assert replicas({"worker": {"autoscaling": {"enabled": True}}}) == [2, None]


@pytest.mark.parametrize(
    ("values", "named"),
    [
        ({"worker": {"replicsCount": 3}}, "replicsCount"),
        ({"discovery": {"mode": "carrier-pigeons"}}, "mode"),
        ({"worker": {"terminationGracePeriodSeconds": 10}}, "terminationGracePeriodSeconds"),
        ({"httpRoute": {"enabled": True}}, "httpRoute.parentRefs"),
        ({"config": {"LOG_LEVEL": 3}}, "LOG_LEVEL"),
    ],
)
def test_wrong_values_are_refused_by_name(values: Object, named: str) -> None:
    with pytest.raises(helm_python.HelmError, match=named):
        from_chart(values)


def test_every_object_of_values_is_closed() -> None:
    """So that a misspelt key is refused wherever it is; open are only maps whose keys are the user's."""
    schema = chart().schema
    assert schema is not None
    open_maps = [path for path, one in walk("", schema) if one.get("additionalProperties", True) is True]
    others = {"resources", "affinity", "global"}  # Kubernetes' own, Helm's own
    assert {path.rsplit(".", 1)[-1] for path in open_maps} <= others


def walk(path: str, schema: Object) -> list[tuple[str, Object]]:
    found = [(path, schema)] if schema.get("type") == "object" else []
    for key, one in schema.get("properties", {}).items():
        found += walk(f"{path}.{key}", one)
    return found
