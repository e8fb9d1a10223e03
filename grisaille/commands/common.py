"""What several commands need: the server's option, and a word where packages are missing."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from typing import TypeVar

import click

from grisaille.client import Client, Options, Retry
from shared import options as shared_options

server_option = click.option(
    "--server",
    envvar="GRISAILLE_SERVER",
    metavar="URL",
    show_envvar=True,
    help="The service. Without one (or with '') this machine does the work itself.",
)


_F = TypeVar("_F", bound=Callable[..., object])


def picture_options(function: _F) -> _F:
    """The options of a conversion, as the service's own table has them."""
    for option in reversed(shared_options.TABLE):
        named = tuple(str(value) for value in option.enum)
        values = click.Choice(named) if named else click.IntRange(option.minimum, option.maximum)
        function = click.option(f"--{option.name}", type=values, help=option.meaning)(function)
    return function


def parsed(options: Options) -> shared_options.Options:
    """What was given of them, as the codecs have it."""
    return shared_options.parse([(name, str(value)) for name, value in options.items() if value is not None])


@contextlib.contextmanager
def server_packages(what: str) -> Iterator[None]:
    """Import what only `.[server]` brings; `click.UsageError` where it is not there."""
    try:
        yield
    except ModuleNotFoundError as exc:
        message = f"{what} needs packages that are not here ({exc.name}): pip install 'grisaille[server]'"
        raise click.UsageError(message) from exc


def client_at(url: str, retry: Retry = Retry(), sleep: Callable[[float], None] = time.sleep) -> Client:  # noqa: B008 - it is frozen
    """A client of the service there; `click.UsageError` if the URL is none."""
    try:
        return Client(url, retry=retry, sleep=sleep)
    except ValueError as exc:
        raise click.UsageError(str(exc)) from exc
