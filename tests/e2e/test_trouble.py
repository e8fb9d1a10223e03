"""What a cluster does to pods, and what it must not let them do: eviction, memory, network, autoscaling."""

from __future__ import annotations

import json
import secrets
import subprocess
import zlib
from collections.abc import Iterator
from math import isqrt

import pytest
from PIL import Image
from support.cluster import Deployed, kubectl, kustomized
from support.images import encoded
from support.load import Load, mixed
from support.service import ROOT, within

from shared.codecs.png.chunks import RGB, PngHeader, chunk, ihdr

_ASK = "import socket, sys; socket.create_connection((sys.argv[1], int(sys.argv[2])), timeout=5)"


@pytest.fixture(scope="module")
def service() -> Iterator[Deployed]:
    with kustomized("small") as deployed:
        deployed.scale(2)
        deployed.await_workers(2)
        yield deployed


def load(service: Deployed, clients: int = 4) -> Load:
    return Load(service.url, mixed(), clients, host=service.host)


def evict(service: Deployed, pod: str) -> None:
    path = f"/api/v1/namespaces/{service.namespace}/pods/{pod}/eviction"
    eviction = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": pod}}
    kubectl("create", "--raw", path, "--filename", "-", stdin=json.dumps(eviction))


def test_an_eviction_respects_the_budget_and_loses_nothing(service: Deployed) -> None:
    first, second = service.ready("worker")
    with load(service) as steady:
        steady.until(20)
        evict(service, first)
        with pytest.raises(RuntimeError, match="disruption budget"):
            evict(service, second)
        service.await_workers(2)
        steady.until(20)
    assert not steady.failures(least=40)


def test_a_drained_node_lets_go_of_one_worker_at_a_time_and_nothing_is_lost(service: Deployed) -> None:
    node = service.pods("worker")[0]["spec"]["nodeName"]
    workers = "--pod-selector=app.kubernetes.io/component=worker"
    fewest = len(service.ready("worker"))
    with load(service) as steady:
        steady.until(20)
        command = ["kubectl", "drain", node, workers, "--delete-emptydir-data", "--timeout=25s"]
        drain = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        try:
            while drain.poll() is None:
                fewest = min(fewest, len(service.ready("worker")))
        finally:
            kubectl("uncordon", node)
        said, _ = drain.communicate()
        # Where there is no other node for its successor, the second worker must stay.
        assert drain.returncode == 0 or "disruption budget" in said, said
        service.await_workers(2)
        steady.until(20)
    assert fewest >= 1
    assert not steady.failures(least=40)


def test_a_worker_that_takes_too_much_memory_costs_no_picture(service: Deployed) -> None:
    hungry = json.loads(service.kubectl("get", "deployment", "grisaille-worker", "--output", "json"))
    hungry["metadata"] = {"name": "hungry"}
    hungry["spec"]["replicas"] = 1
    hungry["spec"]["selector"]["matchLabels"]["e2e"] = "hungry"
    template = hungry["spec"]["template"]
    template["metadata"]["labels"]["e2e"] = "hungry"
    template["spec"]["containers"][0]["env"].append({"name": "GRISAILLE_FAULT", "value": "alloc"})
    service.kubectl("apply", "--filename", "-", stdin=json.dumps(hungry))

    def reason() -> str:
        path = "jsonpath={.items[*].status.containerStatuses[*].lastState.terminated.reason}"
        return service.kubectl("get", "pods", "--selector", "e2e=hungry", "--output", path)

    with load(service) as steady:
        assert within(lambda: "OOMKilled" in reason(), seconds=120)
        steady.until(20)
    service.kubectl("delete", "deployment", "hungry")
    service.await_workers(2)
    assert not steady.failures(least=20)


def test_a_bomb_takes_nothing_down(service: Deployed) -> None:
    before = service.restarts()
    side = isqrt(int(service.setting("GRISAILLE_MAX_PIXELS_WHOLE")))
    for bomb in (png_bomb(60_000, 60_000), png_bomb(100, 100), webp(side + 1)):
        refused = service.convert(bomb)
        assert refused.status_code == 422, refused.text
    assert service.convert(webp(side)).status_code == 200  # WebP takes the most memory for each pixel
    assert service.restarts() == before


def png_bomb(width: int, height: int) -> bytes:
    """It claims that size, and inflates to a quarter of a gigabyte."""
    head = ihdr(PngHeader(width, height, 8, RGB, interlaced=False))
    return head + chunk(b"IDAT", zlib.compress(bytes(1 << 28), 9)) + chunk(b"IEND", b"")


def webp(side: int) -> bytes:
    return encoded(Image.new("RGB", (side, side)), "WEBP")


def reached(namespace: str, address: str, port: int) -> bool:
    """Whether a pod there can open a connection."""
    name = f"ask-{secrets.token_hex(3)}"
    image = "docker.io/library/grisaille-worker:e2e"
    command = ("--command", "--", "python", "-c", _ASK, address, str(port))
    where = ("--namespace", namespace)
    kubectl(*where, "run", name, "--image", image, "--restart=Never", *command)

    def phase() -> str:
        return kubectl(*where, "get", "pod", name, "--output", "jsonpath={.status.phase}")

    assert within(lambda: phase() in {"Succeeded", "Failed"}, seconds=60)
    return phase() == "Succeeded"


def test_only_what_is_needed_can_be_reached(service: Deployed) -> None:
    other = f"{service.namespace}-other"
    kubectl("create", "namespace", other)
    try:
        worker, gateway = (service.pods(one)[0]["status"]["podIP"] for one in ("worker", "gateway"))
        assert reached(other, gateway, 5006)
        assert not reached(other, worker, 8000)
        assert not reached(other, worker, 9000)
        assert not reached(other, gateway, 9006)
    finally:
        kubectl("delete", "namespace", other, "--wait=false")


def test_the_autoscaler_follows_the_load(service: Deployed) -> None:
    service.kubectl("apply", "--filename", str(ROOT / "k8s/components/autoscaling/hpa.yaml"))
    with load(service, clients=6) as steady:
        assert within(lambda: len(service.pods("worker")) > 2, seconds=240)
    assert not steady.failures(least=20)
