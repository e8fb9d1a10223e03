"""``grisaille info``: what a file is, how it would be split, and why."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Unpack

import click

from grisaille.client import Options
from grisaille.commands.common import parsed, picture_options, server_packages
from shared.problems import Problem


@click.command("info")
@click.argument(
    "files",
    nargs=-1,
    required=True,
    metavar="FILE...",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
)
@click.option(
    "--slots",
    type=click.IntRange(0, 1000),
    default=os.cpu_count() or 1,
    help="Free slots to plan for; default: one for each CPU.",
)
@click.option("--json", "as_json", is_flag=True, help="A line of JSON for each file.")
@picture_options
def command(files: Sequence[Path], slots: int, as_json: bool, **options: Unpack[Options]) -> None:  # noqa: FBT001
    """Say what FILE is, how it would be split, and why.

    Exit code: 0 all is well, 1 a file would be refused, 2 wrong usage.
    """
    refused = [file for file in files if not _tell(file, options, slots, as_json=as_json)]
    sys.exit(1 if refused else 0)


def _tell(file: Path, options: Options, slots: int, *, as_json: bool) -> bool:
    """Whether it can be converted."""
    with server_packages("reading an image's header"):
        from grisaille.describe import describe  # noqa: PLC0415 - it brings the codecs
        from shared.codecs.limits import Limits  # noqa: PLC0415
    try:
        found = describe(memoryview(file.read_bytes()), parsed(options), slots, Limits())
    except Problem as problem:
        if as_json:
            click.echo(json.dumps({"file": str(file), "error": problem.document()}))
        else:
            click.echo(f"{file}: {problem.title}: {problem.detail}", err=True)
        return False
    if as_json:
        click.echo(json.dumps({"file": str(file), **found.document}))
    else:
        click.echo("\n  ".join([f"{file}: {found.lines[0]}", *found.lines[1:]]))
    return True
