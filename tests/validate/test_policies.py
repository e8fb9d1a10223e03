"""Everything that may be applied against common policies, as checkov has them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from support.rendered import RENDERS, text

NOT_OURS = {
    "CKV_K8S_8": "a test pod ends by itself; services have the probe (test_probes_ask_the_internal_port)",
    "CKV_K8S_9": "as CKV_K8S_8",
    "CKV_K8S_11": "a CPU limit throttles, which adds latency; the values say so",
    "CKV_K8S_15": "tags are not moved; Always would need the registry at every start",
    "CKV_K8S_21": "the namespace is the user's",
    "CKV_K8S_38": "the gateway watches EndpointSlices with its token",
    "CKV_K8S_43": "a digest can be given",
    "CKV2_K8S_6": "a test pod needs no policy",
}


def test_common_policies(tmp_path: Path) -> None:
    for name in RENDERS:
        (tmp_path / f"{name.replace(':', '')}.yaml").write_text(text(name))
    command: list[str | Path] = [
        Path(sys.executable).with_name("checkov"),
        "--framework",
        "kubernetes",
        "--skip-download",
    ]
    command += ["--directory", tmp_path, "--output", "json", "--skip-check", ",".join(NOT_OURS)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    report = json.loads(done.stdout)
    assert report["summary"]["passed"] > 1000
    failed = report["results"]["failed_checks"]
    assert [f"{one['check_id']} {one['file_path']} {one['resource']}" for one in failed] == []
