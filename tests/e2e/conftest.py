"""What these tests can use here."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

_PROMETHEUS = shutil.which(os.environ.get("GRISAILLE_PROMETHEUS", "prometheus"))
# Debian's cannot ask Kubernetes where pods are (`build` looks for the same).
_CAN_DISCOVER = (
    _PROMETHEUS is not None and b"prometheus/discovery/kubernetes" in Path(_PROMETHEUS).read_bytes()
)
collect_ignore = [] if _CAN_DISCOVER else ["test_monitoring.py"]
