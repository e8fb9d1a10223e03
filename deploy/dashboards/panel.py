"""A graph of the dashboard."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Panel:
    """One graph."""

    title: str
    unit: str
    queries: tuple[tuple[str, str], ...]
    """(PromQL, legend)."""
    advice: str
    stacked: bool = False


def quantiles(metric: str, *shares: float) -> tuple[tuple[str, str], ...]:
    """Queries for these quantiles of a histogram's buckets."""
    return tuple(
        (f"histogram_quantile({share}, sum by (le) (rate({metric}[<rate>])))", f"p{share * 100:g}")
        for share in shares
    )
