"""Numbers of workers on a command line, as `1,4,8`."""

from __future__ import annotations

import click

_MOST = 64


class Counts(click.ParamType[tuple[int, ...]]):
    """Numbers with commas between them; in order, and always with 1, which the others are compared with."""

    name = "n,n,..."

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[int, ...]:
        """The numbers."""
        if isinstance(value, tuple):
            return value
        try:
            counts = {int(field) for field in str(value).split(",")}
        except ValueError:
            self.fail(f"{value!r} is not a list of numbers such as 1,4,8", param, ctx)
        if not all(1 <= count <= _MOST for count in counts):
            self.fail(f"numbers of workers are from 1 to {_MOST}", param, ctx)
        return tuple(sorted(counts | {1}))
