"""The service keeps what `/openapi.json` says, seen by a tool that knows nothing else of it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
from support.service import ROOT, Service

HOOKS = ROOT / "tests/support/openapi_hooks.py"
ANSWERS = {
    "/convert": {"image/png", "image/jpeg", "image/tiff", "image/webp"},
    "/batch": {"application/zip"},
    "/version": {"application/json"},
}


def schemathesis(service: Service, folder: Path, *options: str) -> Counter[tuple[str, int]]:
    """How often each path was answered with which status, if all checks passed."""
    command = [sys.executable, "-m", "schemathesis.cli", "run", f"{service.url}/openapi.json"]
    command += ["--report", "har", "--report-har-path", "requests.har", "--no-shrink", *options]
    run = subprocess.run(command, check=False, cwd=folder, capture_output=True, text=True, timeout=120)
    assert run.returncode == 0, run.stdout[:4000] + run.stderr[-2000:]
    entries = json.loads((folder / "requests.har").read_text())["log"]["entries"]
    return Counter((urlsplit(e["request"]["url"]).path, e["response"]["status"]) for e in entries)


def test_valid_requests_are_answered_and_invalid_ones_refused_as_documented(
    service: Service, tmp_path: Path
) -> None:
    (tmp_path / "schemathesis.toml").write_text(f'hooks = "{HOOKS}"\n')
    seen = schemathesis(service, tmp_path, "--checks", "all", "--max-examples", "25", "--seed", "1")
    for path in ("/convert", "/batch"):
        assert seen[path, 200] > 20
        assert seen[path, 400] > 20
    assert seen["/version", 200] > 0


def test_bodies_that_are_no_images_are_refused_as_documented(service: Service, tmp_path: Path) -> None:
    options = ["--phases", "fuzzing", "--mode", "positive", "--max-examples", "30", "--seed", "2"]
    seen = schemathesis(service, tmp_path, *options, "--exclude-checks", "positive_data_acceptance")
    assert seen["/convert", 415] > 10
    assert seen["/batch", 200] > 10  # archives that say so


@pytest.mark.parametrize("path", ANSWERS)
def test_every_route_documents_its_statuses_with_types_and_examples(service: Service, path: str) -> None:
    document = httpx.get(f"{service.url}/openapi.json").json()
    assert set(document["paths"]) == set(ANSWERS)
    ((_, operation),) = document["paths"][path].items()
    assert operation["summary"]
    for status, response in operation["responses"].items():
        assert response["description"]
        assert "X-Request-Id" in response["headers"]
        if status != "200":
            (content,) = response["content"].items()
            assert content[0] == "application/problem+json"
            assert content[1]["examples"]
            assert all(e["value"]["status"] == int(status) for e in content[1]["examples"].values())
    assert set(operation["responses"]["200"]["content"]) == ANSWERS[path]
