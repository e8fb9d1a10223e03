"""What a reliability scenario tells: its name, what is promised, what was seen."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

Say: TypeAlias = Callable[[str, str, str], None]


def bold(seen: str, *, unless: bool) -> str:
    """Marked as not reached, unless it was."""
    return seen if unless else f"**{seen}**"
