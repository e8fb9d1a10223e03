"""The service on a real cluster, by kustomize, used through its ingress while things happen to it."""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Iterator

import httpx
import numpy as np
import pytest
from support.cluster import Deployed, kubectl, kustomized
from support.images import jpeg, luma_plane, photo, pixels, png
from support.load import Load, mixed
from support.service import plan, within

BIG = jpeg(photo(7680, 4320), quality=92, restart_marker_rows=1)


@pytest.fixture(scope="module")
def service() -> Iterator[Deployed]:
    with kustomized("small") as deployed:
        yield deployed


def load(service: Deployed, clients: int = 4) -> Load:
    return Load(service.url, mixed(), clients, host=service.host)


def test_an_8k_picture_through_the_ingress_and_through_a_route(service: Deployed) -> None:
    wanted = luma_plane(BIG)
    for host in (service.host, service.host.replace(".", "-route.", 1)):
        assert within(lambda host=host: service.convert(png(photo(8, 8)), host=host).is_success)  # type: ignore[misc]
        answer = service.convert(BIG, "?format=png", host)
        assert answer.status_code == 200, answer.text
        assert np.array_equal(pixels(answer.content), wanted)


def test_refusals_come_through_while_the_client_still_sends(service: Deployed) -> None:
    broken = BIG[:200] + bytes(1 << 20)
    assert service.convert(broken).status_code == 422
    assert service.convert(b"GIF87a" + bytes(100)).status_code == 422
    head = {"Host": service.host, "Content-Length": str(1 << 30)}
    with httpx.Client(timeout=60) as client:
        refused = client.post(f"{service.url}/convert", content=iter([bytes(1 << 16)] * 16384), headers=head)
    assert refused.status_code == 413
    assert refused.json()["setting"] == "GRISAILLE_MAX_UPLOAD_BYTES"


def test_pods_are_ready_soon_with_the_kernels_of_the_image(service: Deployed) -> None:
    for pod in service.pods("worker"):
        name = pod["metadata"]["name"]
        assert service.metric(name, 9000, "grisaille_worker_kernel_cache_misses") == 0
        started = service.metric(name, 9000, "process_start_time_seconds")
        ready = service.metric(name, 9000, "grisaille_worker_ready_time_seconds")
        print(f"worker ready {ready - started:.1f} s after its start")
    for node in json.loads(kubectl("get", "nodes", "--output", "json"))["items"]:
        for image in node["status"]["images"]:
            if "grisaille-" in str(image["names"]):
                print(f"{image['names'][-1]}: {image['sizeBytes'] / 1e6:.0f} MB")


def test_pods_have_no_rights_they_do_not_need(service: Deployed) -> None:
    assert kubectl("get", "namespace", service.namespace, "--output", "jsonpath={.metadata.labels}").count(
        '"pod-security.kubernetes.io/enforce":"restricted"'
    )
    worker, gateway = service.ready("worker")[0], service.ready("gateway")[0]
    script = (
        "import os; assert os.getuid() == 10001\n"
        "try: open('/app/x', 'w'); print('writable')\n"
        "except OSError: pass\n"
        "print(os.path.exists('/var/run/secrets/kubernetes.io/serviceaccount/token'))"
    )
    for pod, token in ((worker, "False"), (gateway, "True")):
        assert service.kubectl("exec", pod, "--", "python", "-c", script).strip() == token
    account = f"--as=system:serviceaccount:{service.namespace}:grisaille-gateway"
    assert service.kubectl("auth", "can-i", "watch", "endpointslices", account).strip() == "yes"
    for verb, resource in (("get", "secrets"), ("list", "pods"), ("patch", "endpointslices")):
        with pytest.raises(RuntimeError):
            service.kubectl("auth", "can-i", verb, resource, account)


def test_scaling_under_load(service: Deployed) -> None:
    service.scale(1)
    service.await_workers(1)
    seconds: dict[int, float] = {}
    with load(service, clients=2) as steady:
        steady.until(20)
        service.scale(4)
        service.await_workers(4)
        ready = {name: time.monotonic() for name in service.ready("worker")}
        converted = 'grisaille_worker_conversions_total{outcome="ok"}'
        for name, since in ready.items():
            assert within(lambda name=name: service.metric(name, 9000, converted) > 0), name  # type: ignore[misc]
            print(f"{name} had work {time.monotonic() - since:.1f} s after all were seen ready")
        steady.until(50)
        service.scale(1)
        service.await_workers(1)
        steady.until(20)
    assert not steady.failures(least=90)
    for workers in (1, 2, 4):
        service.scale(workers)
        service.await_workers(workers)
        assert within(
            lambda workers=workers: plan(service.convert(BIG, "?format=png"))[1] == workers  # type: ignore[misc]
        )
        taken = []
        for _ in range(3):
            begin = time.monotonic()
            assert service.convert(BIG, "?format=png").status_code == 200
            taken.append(time.monotonic() - begin)
        seconds[workers] = statistics.median(taken)
    for workers, median in seconds.items():
        speedup = seconds[1] / median
        print(
            f"{workers} workers: {median:.2f} s, speed-up {speedup:.2f}, efficiency {speedup / workers:.0%}"
        )
    assert seconds[4] < seconds[2] < seconds[1]


@pytest.mark.parametrize("component", ["worker", "gateway"])
def test_rollouts_under_load(service: Deployed, component: str) -> None:
    service.scale(2)
    service.await_workers(2)
    with load(service) as steady:
        steady.until(20)
        service.roll_out(component)
        steady.until(20)
    assert not steady.failures(least=40)


def test_a_worker_deleted_by_force_under_load(service: Deployed) -> None:
    service.scale(2)
    service.await_workers(2)
    with load(service) as steady:
        for _ in range(2):
            steady.until(20)
            service.kubectl("delete", "pod", service.ready("worker")[0], "--grace-period=0", "--force")
            service.await_workers(2)
        steady.until(20)
    assert not steady.failures(least=60)
