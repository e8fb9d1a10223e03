"""Pages that are made from the code say what the code says."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from support.service import ROOT

MADE = ["api.md", "metrics.md", "settings.md"]


@pytest.mark.parametrize("name", MADE)
def test_a_page_is_up_to_date(name: str, tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-m", "docs.generate", str(tmp_path)], cwd=ROOT, check=True)
    assert (tmp_path / name).read_text() == (ROOT / "docs" / name).read_text()
