"""``grisaille serve``: a gateway and its workers on this machine."""

from __future__ import annotations

import os
import sys

import click

from grisaille.serve import serve


@click.command("serve")
@click.option("--port", type=click.IntRange(1, 65535), default=5006, show_default=True, help="Public port.")
@click.option(
    "--workers",
    type=click.IntRange(0, 64),
    default=0,
    show_default="number of CPUs",
    help="Worker processes to run.",
)
def command(port: int, workers: int) -> None:
    """Run a gateway and its workers on this machine until Ctrl-C."""
    sys.exit(serve(port, workers or os.cpu_count() or 1))
