"""The table of results: each scenario says what it saw, `--report` writes that down."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from support.report import Say

_ROWS = pytest.StashKey[list[tuple[str, str, str]]]()
_HEAD = """# Reliability

What happens to requests while things go wrong. `make reliability` runs the scenarios (real processes on
loopback, each worker on an address of its own, every picture compared with the in-process result) and
writes this page; what is in bold was not reached. Two cores do everything: clients, gateway and workers.

| scenario | promised | seen |
|---|---|---|
"""


def pytest_configure(config: pytest.Config) -> None:
    config.stash[_ROWS] = []


@pytest.fixture
def say(request: pytest.FixtureRequest) -> Say:
    """Keep a row of the table: scenario, what is promised, what was seen."""

    def keep(scenario: str, promised: str, seen: str) -> None:
        request.config.stash[_ROWS].append((scenario, promised, seen))

    return keep


@pytest.fixture(scope="session", autouse=True)
def _report(request: pytest.FixtureRequest) -> Iterator[None]:
    yield
    path: str | None = request.config.getoption("--report")
    if path is not None:
        rows = [f"| {' | '.join(row)} |\n" for row in request.config.stash[_ROWS]]
        Path(path).write_text(_HEAD + "".join(rows))


@pytest.fixture
def soak_seconds(request: pytest.FixtureRequest) -> float:
    """How long the soak test lasts."""
    seconds: float = request.config.getoption("--soak-seconds")
    return seconds
