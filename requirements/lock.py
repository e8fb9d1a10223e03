"""Write the locked requirement files from pyproject.toml: all platforms, hashes, no addresses."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

_HERE = Path(__file__).parent
_SETS = {
    "server.txt": ["--extra", "server"],
    "test.txt": ["--extra", "server", "--group", "test"],
    "validate.txt": ["--group", "validate"],
}


def main() -> None:
    """Write every set."""
    for name, chosen in _SETS.items():
        command = [
            *(sys.executable, "-m", "uv", "pip", "compile", "--quiet", "--universal"),
            *("--generate-hashes", "--no-annotate", "--no-header", "--python-version", "3.11"),
            *chosen,
            *("pyproject.toml", "--output-file", str(_HERE / name)),
        ]
        subprocess.run(command, check=True, cwd=_HERE.parent)  # noqa: S603 - no input in the command


main()
