"""``grisaille bench``: how fast a service converts a file of yours."""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Unpack

import click

from grisaille import processes, serve
from grisaille.client import GrisailleError, Options
from grisaille.commands.common import client_at, picture_options, server_option, server_packages
from grisaille.measure import measure

_READY_SECONDS = 120.0
_CHECK_SECONDS = 0.1


@click.command("bench")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@server_option
@click.option(
    "--workers",
    type=click.IntRange(1, 64),
    default=os.cpu_count() or 1,
    help="Without --server: workers to start for it; default: one for each CPU.",
)
@click.option(
    "--in-flight", type=click.IntRange(1, 1000), default=8, show_default=True, help="Pictures at a time."
)
@click.option(
    "--seconds", type=click.FloatRange(0.1), default=5.0, show_default=True, help="For each of two halves."
)
@click.option("--json", "as_json", is_flag=True, help="JSON on standard output.")
@picture_options
def command(
    file: Path,
    server: str | None,
    workers: int,
    in_flight: int,
    seconds: float,
    as_json: bool,  # noqa: FBT001 - click calls by name
    **options: Unpack[Options],
) -> None:
    """Measure how long one FILE takes, and how many a second are done with several in flight.

    Exit code: 0 measured, 1 the service gave no picture, 2 wrong usage.
    """
    with contextlib.ExitStack() as stack:
        client = stack.enter_context(client_at(server or stack.enter_context(_local(workers))))
        try:
            found = measure(client, file.read_bytes(), options, in_flight, seconds)
        except GrisailleError as error:
            click.echo(f"grisaille: {error}", err=True)
            sys.exit(1)
    click.echo(json.dumps(found.document) if as_json else "\n".join(found.lines))


@contextlib.contextmanager
def _local(workers: int) -> Iterator[str]:
    """The URL of a service of our own, ready."""
    with server_packages("measuring without --server"):
        importlib.import_module("uvicorn")  # what a gateway and its workers need first
    os.environ.setdefault("GRISAILLE_LOG_LEVEL", "warning")  # a line for each picture would hide the figures
    with serve.running(0, workers) as services:
        end = time.monotonic() + _READY_SECONDS
        while services.ready < workers:
            if time.monotonic() > end:
                raise click.ClickException("the service did not get ready")
            services.keep_alive()
            time.sleep(_CHECK_SECONDS)
        yield processes.url(services.public)
