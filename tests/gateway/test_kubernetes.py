"""Which of a Service's endpoints get work, by what the API says of them."""

from __future__ import annotations

from pathlib import Path

import pytest
from lightkube.models.discovery_v1 import Endpoint, EndpointConditions
from lightkube.resources.discovery_v1 import EndpointSlice

from gateway.fanout.endpoints import parse
from gateway.fanout.kubernetes import SliceEndpoints, addresses


def slice_of(*endpoints: Endpoint, kind: str = "IPv4") -> EndpointSlice:
    return EndpointSlice(addressType=kind, endpoints=list(endpoints))


def endpoint(ip: str, **conditions: bool | None) -> Endpoint:
    return Endpoint(addresses=[ip], conditions=EndpointConditions(**conditions))


@pytest.mark.parametrize(
    ("conditions", "gets_work"),
    [
        ({"ready": True, "serving": True, "terminating": False}, True),
        ({"ready": False, "serving": False, "terminating": False}, False),
        ({"ready": False, "serving": True, "terminating": True}, False),
        ({"ready": True, "serving": True, "terminating": True}, False),
        ({"ready": None}, True),
        ({}, True),
    ],
)
def test_only_endpoints_that_are_ready_and_stay_get_work(
    conditions: dict[str, bool | None],
    gets_work: bool,  # noqa: FBT001 - a table's column
) -> None:
    found = addresses([slice_of(endpoint("10.0.0.1", **conditions))], 8000)
    assert found == (("http://10.0.0.1:8000",) if gets_work else ())


def test_all_slices_count_and_an_address_in_two_of_them_once() -> None:
    slices = [slice_of(endpoint("10.0.0.2"), endpoint("10.0.0.1")), slice_of(endpoint("10.0.0.1"))]
    assert addresses(slices, 8000) == ("http://10.0.0.1:8000", "http://10.0.0.2:8000")


def test_a_slice_may_be_empty_or_of_the_other_family() -> None:
    assert addresses([EndpointSlice(addressType="IPv4", endpoints=[])], 8000) == ()
    assert addresses([slice_of(endpoint("fd00::7"), kind="IPv6")], 8000) == ("http://[fd00::7]:8000",)


_CONFIG = """
apiVersion: v1
kind: Config
current-context: here
contexts: [{name: here, context: {cluster: here, user: me}}]
clusters: [{name: here, cluster: {server: "http://127.0.0.1:1"}}]
users: [{name: me, user: {}}]
"""


def test_the_setting_names_namespace_service_and_port(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "config").write_text(_CONFIG)
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "config"))
    source = parse("k8s://my-space/grisaille-worker:8000")
    assert isinstance(source, SliceEndpoints)
    assert source.current() == ()


def test_outside_a_cluster_the_setting_is_refused_by_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "none"))
    with pytest.raises(ValueError, match="GRISAILLE_WORKERS=k8s://a/b:1: "):
        parse("k8s://a/b:1")
