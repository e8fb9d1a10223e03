"""Numbers of workers on a command line."""

from __future__ import annotations

import click
import pytest

from bench.counts import Counts


@pytest.mark.parametrize(
    ("text", "counts"), [("1,4,8", (1, 4, 8)), ("8,4", (1, 4, 8)), ("3", (1, 3)), ("2,2", (1, 2))]
)
def test_they_come_in_order_with_one_among_them(text: str, counts: tuple[int, ...]) -> None:
    assert Counts().convert(text, None, None) == counts


@pytest.mark.parametrize("text", ["", "a", "0", "1,65", "1;2", "-1"])
def test_others_are_refused(text: str) -> None:
    with pytest.raises(click.BadParameter):
        Counts().convert(text, None, None)
