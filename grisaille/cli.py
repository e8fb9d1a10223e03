"""The command ``grisaille``: its table of contents. Each command's module is imported when it is used."""

from __future__ import annotations

import importlib
import sys

import click

# httpx brings a command line of its own where rich is there, for a quarter of our start; it can do without.
sys.modules.setdefault("httpx._main", None)  # type: ignore[arg-type]

_COMMANDS = ("convert", "info", "bench", "serve", "completion")


class _Commands(click.Group):
    """Commands by name: `grisaille.commands.NAME` has one called `command`."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's interface
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in _COMMANDS:
            return None
        found: click.Command = importlib.import_module(f"grisaille.commands.{cmd_name}").command
        return found


def _version(ctx: click.Context, _: click.Parameter, wanted: bool) -> None:  # noqa: FBT001 - click's interface
    if wanted:
        from shared.version import VERSION  # noqa: PLC0415 - where it stands; most commands do without

        click.echo(f"grisaille {VERSION}")
        ctx.exit()


@click.command(cls=_Commands)
@click.option(
    "--version", is_flag=True, is_eager=True, expose_value=False, callback=_version, help="Show the version."
)
def main() -> None:
    """Colour images to greyscale, split over as many workers as there are."""
