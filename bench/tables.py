"""Markdown tables, and lines that say whether a target was reached."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def print_table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """The first column is text, the others are numbers."""
    print("| " + " | ".join(head) + " |")
    print("|---" + "|---:" * (len(head) - 1) + "|")
    for row in rows:
        print("| " + " | ".join(row) + " |")


def at_least(what: str, target: float, found: float) -> str:
    """The verdict on a figure that should be high."""
    return f"target: {what} at least {target:g}: {found:.2f}, {_verdict(reached=found >= target)}"


def at_most(what: str, target: float, found: float) -> str:
    """The verdict on a figure that should be low."""
    return f"target: {what} at most {target:g}: {found:.2f}, {_verdict(reached=found <= target)}"


def _verdict(*, reached: bool) -> str:
    return "reached" if reached else "NOT reached"
