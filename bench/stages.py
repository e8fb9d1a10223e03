"""`Server-Timing`: where the time of a request went."""

from __future__ import annotations

from bench.measure import Run


def parse(header: str) -> dict[str, float]:
    """Milliseconds by stage."""
    pairs = (entry.strip().partition(";dur=") for entry in header.split(",") if entry)
    return {name: float(value) for name, _, value in pairs}


def outside(run: Run) -> float:
    """Milliseconds that the client saw beyond the stages."""
    return run.ms - sum(parse(run.stages).values())
