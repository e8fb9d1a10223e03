"""Dockerfiles, YAML, compose, Skaffold and workflows: well formed, and about things that exist."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from support.rendered import ROOT

DOCKERFILES = ["Dockerfile.gateway", "Dockerfile.worker"]
WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.yaml"))


def run(tool: str, *arguments: str | Path) -> str:
    command = [Path(sys.executable).with_name(tool), *arguments]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    return "" if done.returncode == 0 else done.stdout + done.stderr


def test_dockerfiles() -> None:
    assert run("hadolint", *DOCKERFILES) == ""


def test_yaml() -> None:
    tracked = subprocess.run(
        ["git", "ls-files", "*.yaml"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split()
    assert len(tracked) > 20
    assert run("yamllint", "--strict", *(path for path in tracked if "/templates/" not in path)) == ""


def test_compose() -> None:
    assert run("check-jsonschema", "--builtin-schema", "vendor.compose-spec", "compose.yaml") == ""


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_workflows(path: Path) -> None:
    assert run("check-jsonschema", "--builtin-schema", "vendor.github-workflows", path) == ""
    used = re.findall(r"uses: (\S+)", path.read_text())
    assert used
    assert [one for one in used if not re.fullmatch(r"[\w./-]+@[0-9a-f]{40}", one)] == []


def test_skaffold_builds_what_is_deployed() -> None:
    skaffold = yaml.safe_load((ROOT / "skaffold.yaml").read_text())
    artifacts = skaffold["build"]["artifacts"]
    assert [one["docker"]["dockerfile"] for one in artifacts] == DOCKERFILES
    images = {one["image"] for one in artifacts}
    chart = yaml.safe_load((ROOT / "helm/grisaille/values.yaml").read_text())
    assert {chart[one]["repository"] for one in ("gateway", "worker")} == images
    [release] = skaffold["deploy"]["helm"]["releases"]
    for path in (release["chartPath"], *release["valuesFiles"]):
        assert (ROOT / path).exists()
    for pattern in (one["src"] for artifact in artifacts for one in artifact["sync"]["manual"]):
        assert list(ROOT.glob(pattern))
    assert [
        patch for one in skaffold["profiles"] for patch in one["patches"] if re.search(r"/\d", patch["path"])
    ] == []
