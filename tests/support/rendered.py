"""What would be applied to a cluster: the chart with several values, and every overlay and component."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path
from typing import Any, TypeAlias

import helm_python
import yaml

ROOT = Path(__file__).resolve().parents[2]
CHART = ROOT / "helm/grisaille"
_KUBECTL = Path(sys.executable).with_name("kubectl")

Object: TypeAlias = dict[str, Any]
VALUES: dict[str, Object] = {
    "defaults": {},
    "no replicas": {"gateway": {"replicas": 0}, "worker": {"replicas": 0}},
    "autoscaling": {
        "gateway": {"autoscaling": {"enabled": True}},
        "worker": {"autoscaling": {"enabled": True}},
    },
    "dns": {"discovery": {"mode": "dns"}},
    **{path.stem: yaml.safe_load(path.read_text()) for path in sorted((CHART / "ci").glob("*.yaml"))},
    "skaffold": yaml.safe_load((ROOT / "deploy/skaffold-values.yaml").read_text()),
}
COMPONENTS = sorted(path.parent.name for path in ROOT.glob("k8s/components/*/kustomization.yaml"))
RENDERS = [
    *(f"chart: {name}" for name in VALUES),
    *(f"overlay: {path.parent.name}" for path in sorted(ROOT.glob("k8s/overlays/*/kustomization.yaml"))),
    *(f"base and {name}" for name in COMPONENTS),
]


@cache
def chart() -> helm_python.Chart:
    """Ours."""
    return helm_python.Chart.load(str(CHART))


def text(name: str) -> str:
    """One of RENDERS as YAML."""
    kind, _, which = name.partition(": ")
    if kind == "chart":
        return from_chart(VALUES[which])
    if kind == "overlay":
        return _kustomize(ROOT / "k8s/overlays" / which)
    with tempfile.TemporaryDirectory(dir=ROOT / "k8s") as folder:
        component = name.removeprefix("base and ")
        wanted = {"resources": ["../base"], "components": [f"../components/{component}"]}
        Path(folder, "kustomization.yaml").write_text(yaml.safe_dump(wanted))
        return _kustomize(Path(folder))


@cache
def objects(name: str) -> list[Object]:
    """One of RENDERS, object by object."""
    return [one for one in yaml.safe_load_all(text(name)) if one]


def from_chart(values: Object) -> str:
    """The chart as YAML, under the release name `grisaille`."""
    rendered = chart().render(values, name="grisaille", namespace="somewhere")
    return "\n---\n".join(text for path, text in rendered.items() if not path.endswith("NOTES.txt"))


def pods(name: str) -> dict[str, Object]:
    """Every pod or pod template of one of RENDERS: its kind and name, and its spec."""
    found = {}
    for one in objects(name):
        spec = one if one["kind"] == "Pod" else one.get("spec", {}).get("template", {})
        if "containers" in spec.get("spec", {}):
            found[f"{one['kind']} {one['metadata']['name']}"] = spec["spec"]
    return found


def _kustomize(folder: Path) -> str:
    done = subprocess.run([_KUBECTL, "kustomize", folder], capture_output=True, text=True, check=True)
    return done.stdout
