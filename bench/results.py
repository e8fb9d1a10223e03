"""Measurements as a JSON file, with everything they depend on."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

from bench import mosaic
from bench.machine import command, versions

_FOLDER = Path(__file__).resolve().parent / "results"


def write(
    module: str, machine: Mapping[str, object], content: Mapping[str, object], path: Path | None
) -> Path:
    """What `python -m module` measured; returns where it is: by default in `results`, under its date."""
    today = dt.datetime.now(tz=dt.UTC).date().isoformat()
    path = path or _FOLDER / f"{today}{module.removeprefix('bench').replace('.', '-')}.json"
    document = {
        "date": today,
        "command": command(module),
        "machine": machine,
        "versions": versions(),
        **content,
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document, indent=1) + "\n")
    return path


def inputs() -> dict[str, dict[str, object]]:
    """The pictures that are measured with."""
    return {name: _described(make()) for name, make in mosaic.INPUTS.items()}


def _described(image: bytes) -> dict[str, object]:
    width, height = mosaic.SIZE
    sha256 = hashlib.sha256(image).hexdigest()
    return {"width": width, "height": height, "bytes": len(image), "sha256": sha256}
