"""``grisaille convert``: files, folders and streams, by a service or in this process."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol, Unpack

import click

from grisaille.answer import Converted
from grisaille.client import Options, Progress, Retry, Unreachable
from grisaille.commands.common import client_at, parsed, picture_options, server_option, server_packages
from grisaille.jobs import Job, existing, jobs, named_format
from grisaille.progress import Display, display
from grisaille.report import Report
from grisaille.run import Outcome, Runner
from grisaille.transfer import Source, Target

_AT_ONCE = 8
_SOME_FAILED, _SIGNALLED = 1, 128


class _Converter(Protocol):
    """A client, or what does the same here."""

    def convert(
        self, source: Source, target: Target | None = None, *, progress: Progress, **options: Unpack[Options]
    ) -> Converted: ...


@dataclass(frozen=True, slots=True)
class _Conversion:
    """One job after another, by a converter."""

    converter: _Converter
    options: Options

    def __call__(self, job: Job, progress: Progress) -> Converted:
        source = sys.stdin.buffer if job.source is None else job.source
        if job.output is None:
            converted = self.converter.convert(source, sys.stdout.buffer, progress=progress, **self.options)
            sys.stdout.buffer.flush()
            return converted
        job.output.parent.mkdir(parents=True, exist_ok=True)
        return self.converter.convert(source, job.output, progress=progress, **self.options)


@click.command("convert")
@click.argument("sources", nargs=-1, required=True, metavar="FILE|DIR|GLOB|-...")
@server_option
@click.option(
    "--output", "-o", metavar="DIR|FILE|-", help="Where results go; default: NAME-grey.EXT beside the source."
)
@click.option("--overwrite", is_flag=True, help="Convert again what is already there.")
@click.option(
    "--jobs",
    "-j",
    "at_once",
    type=click.IntRange(1, 1000),
    help=f"Pictures at a time; default: {_AT_ONCE}, without a service as many as there are CPUs.",
)
@click.option(
    "--patience",
    type=click.FloatRange(0),
    default=Retry().seconds,
    show_default=True,
    help="Seconds to go on asking a service that fails.",
)
@click.option("--json", "as_json", is_flag=True, help="A line of JSON for each file on standard output.")
@picture_options
def command(
    sources: Sequence[str],
    server: str | None,
    output: str | None,
    overwrite: bool,  # noqa: FBT001 - click calls by name
    at_once: int | None,
    patience: float,
    as_json: bool,  # noqa: FBT001
    **options: Unpack[Options],
) -> None:
    """Convert pictures to grey.

    A DIR stands for the images in it, also in its folders, and their structure is kept below --output. With -
    standard input is converted to standard output. What is already there is not converted again.

    Exit code: 0 all is well, 1 something failed, 2 wrong usage, 130 Ctrl-C. A result is there complete or not
    at all.
    """
    planned = jobs(sources, output, parsed(options))
    options["format"] = options.get("format") or named_format(planned, output)
    _check_standard_output(planned, as_json=as_json)
    report = Report(len(planned), as_json=as_json)
    there = set() if overwrite else {job for job in planned if existing(job)}
    wanted = [job for job in planned if job not in there]
    for job in planned:
        if job in there:
            report.add(Outcome(job))
    sizes = {job: job.source.stat().st_size if job.source else 0 for job in wanted}
    at_once = min(at_once or _default_at_once(server), len(wanted))
    with (
        _signals_as_exits(),
        display(sizes) as shown,
        _concluded(report, shown),
        _converter(server, at_once, Retry(patience), shown) as converter,
    ):
        _run(Runner(_Conversion(converter, options), at_once, shown.sent), wanted, report, shown)
    sys.exit(_SOME_FAILED if report.failed else 0)


def _check_standard_output(planned: Sequence[Job], *, as_json: bool) -> None:
    if any(job.output is None for job in planned):
        if as_json:
            raise click.UsageError("--json and the picture would both go to standard output")
        if sys.stdout.isatty():
            raise click.UsageError("standard output is a terminal; name a file with --output")


def _default_at_once(server: str | None) -> int:
    return _AT_ONCE if server else os.cpu_count() or 1


@contextlib.contextmanager
def _converter(server: str | None, at_once: int, retry: Retry, shown: Display) -> Iterator[_Converter]:
    if server:
        with client_at(server, retry, shown.sleep) as client:
            yield client
        return
    with server_packages("converting without --server"):
        from grisaille.local import Local  # noqa: PLC0415 - it brings every codec

    yield Local(at_once)


@contextlib.contextmanager
def _concluded(report: Report, shown: Display) -> Iterator[None]:
    """By what was done, also if a signal ends it."""
    try:
        yield
    finally:
        shown.conclude(report.summary)


def _run(runner: Runner, wanted: Sequence[Job], report: Report, shown: Display) -> None:
    """All jobs, unless a signal ends them: in order, without anything half done."""
    unreached: list[Outcome] = []
    with contextlib.closing(runner.run(wanted)) as outcomes:
        for outcome in outcomes:
            shown.done(outcome.job)
            report.add(outcome)
            if isinstance(outcome.error, Unreachable):
                unreached.append(outcome)  # the same would be said of each
            elif outcome.error is not None:
                shown.say(f"grisaille: {_name(outcome.job)}: {outcome.error}")
    if unreached:
        name = _name(unreached[0].job) if len(unreached) == 1 else f"{len(unreached)} files"
        shown.say(f"grisaille: {name}: {unreached[0].error}")


def _name(job: Job) -> str:
    return "standard input" if job.source is None else str(job.source)


@contextlib.contextmanager
def _signals_as_exits() -> Iterator[None]:
    """With the exit code that shells use, whatever is under way cleaned up."""
    ours = (signal.SIGINT, signal.SIGTERM)
    before = [signal.signal(number, lambda number, _: sys.exit(_SIGNALLED + number)) for number in ours]
    try:
        yield
    finally:
        for number, handler in zip(ours, before, strict=True):
            signal.signal(number, handler)
