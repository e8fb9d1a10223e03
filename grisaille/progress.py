"""What a person sees while files are converted: only what went wrong, and more at a terminal."""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import Self

import click

from grisaille.jobs import Job


class Display:
    """Lines on standard error."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Nothing is left on the screen that should not stay there."""

    def sent(self, job: Job, sent: int) -> None:
        """So many bytes of this job's source are on their way."""

    def done(self, job: Job) -> None:
        """The job is over."""

    def sleep(self, seconds: float) -> None:
        """Wait before another try."""
        time.sleep(seconds)

    def say(self, words: str) -> None:
        """A line."""
        click.echo(printable(words), err=True)

    def conclude(self, words: str) -> None:
        """A line at the end, for a person at a terminal."""


def printable(words: str) -> str:
    """One line that does nothing to a terminal: the names and answers in it are other people's."""
    return "".join(one if one.isprintable() else "\N{REPLACEMENT CHARACTER}" for one in words)


def display(sizes: dict[Job, int]) -> Display:
    """With a bar if somebody looks; `sizes`: bytes of each job's source."""
    if not sys.stderr.isatty():
        return Display()
    from grisaille.bar import Bar  # noqa: PLC0415 - it brings rich

    return Bar(sizes)
