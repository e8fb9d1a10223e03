"""A next release over this one, under load: old and new pods meet, and what they agree on has changed."""

from __future__ import annotations

from support.cluster import Deployed, kustomized
from support.load import Load, mixed

_ASK = "from shared.contract import CONTRACTS; print(CONTRACTS[0])"


def contracts(service: Deployed, component: str) -> set[str]:
    return {
        service.kubectl("exec", pod, "--", "python", "-c", _ASK).strip() for pod in service.ready(component)
    }


def test_old_and_new_pods_understand_each_other() -> None:
    with kustomized("small") as service:
        service.kubectl("scale", "deployment/grisaille-gateway", "--replicas=2")
        service.scale(2)
        service.await_workers(2)
        with Load(service.url, mixed(), 4, host=service.host) as steady:
            steady.until(20)
            # Mixed gateways with old workers, new ones with mixed workers, mixed ones with new workers.
            for component, tag in (("gateway", "e2e-next"), ("worker", "e2e-next"), ("gateway", "e2e")):
                image = f"{component}=docker.io/library/grisaille-{component}:{tag}"
                service.kubectl("set", "image", f"deployment/grisaille-{component}", image)
                service.await_rollout(component)
                steady.until(20)
            assert (contracts(service, "gateway"), contracts(service, "worker")) == ({"1"}, {"2"})
        assert not steady.failures(least=80)
