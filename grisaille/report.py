"""What became of every file: a line of JSON each, and a sentence at the end."""

from __future__ import annotations

import json
import time
from collections import Counter
from dataclasses import asdict

import click

from grisaille.errors import Problem
from grisaille.run import Outcome


class Report:
    """Counts outcomes, and tells each."""

    def __init__(self, jobs: int, *, as_json: bool) -> None:
        """`jobs`: how many there are."""
        self._jobs = jobs
        self._as_json = as_json
        self._count: Counter[str] = Counter()
        self._bytes = 0
        self._begin = time.monotonic()

    def add(self, outcome: Outcome) -> None:
        """One more."""
        self._count[_status(outcome)] += 1
        if outcome.converted is not None:
            self._bytes += outcome.converted.size
        if self._as_json:
            click.echo(json.dumps(document(outcome)))

    @property
    def failed(self) -> int:
        """How many failed."""
        return self._count["failed"]

    @property
    def summary(self) -> str:
        """All in a sentence."""
        seconds = time.monotonic() - self._begin
        words = [f"{self._count['converted']} converted ({self._bytes / 1e6:.1f} MB) in {seconds:.1f} s"]
        words += [f"{self._count[name]} {name}" for name in ("skipped", "failed") if self._count[name]]
        left = self._jobs - self._count.total()
        words += [f"{left} not done"] if left else []
        return ", ".join(words)


def _status(outcome: Outcome) -> str:
    if outcome.error is not None:
        return "failed"
    return "skipped" if outcome.converted is None else "converted"


def document(outcome: Outcome) -> dict[str, object]:
    """As `--json` has it."""
    told: dict[str, object] = {
        "source": None if outcome.job.source is None else str(outcome.job.source),
        "output": None if outcome.job.output is None else str(outcome.job.output),
        "status": _status(outcome),
        "seconds": round(outcome.seconds, 4),
    }
    if outcome.error is not None:
        told["error"] = _error(outcome.error)
    if outcome.converted is not None:
        made = asdict(outcome.converted)
        told |= {
            name: made[name] for name in ("size", "media_type", "plan", "parts", "timing", "notes", "tries")
        }
    return told


def _error(error: Exception) -> dict[str, object]:
    if isinstance(error, Problem):
        names = ("type", "status", "title", "detail", "limit", "actual", "setting", "request_id")
        return {name: getattr(error, name) for name in names if getattr(error, name) is not None}
    return {"type": type(error).__name__, "detail": str(error)}
