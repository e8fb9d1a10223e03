"""What a person at a terminal sees of `grisaille convert`."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
from support.addresses import free_port
from support.images import jpeg, photo
from support.service import ROOT, environment
from support.stack import Stack, stack
from support.terminal import Terminal, terminal

BAR = re.compile(r"\d+/\d+ files.* ━+")
CURSOR_IS_BACK = "\x1b[?25h"
CTRL_C = b"\x03"


@pytest.fixture(scope="module")
def slow() -> Iterator[Stack]:
    with stack(1, {"fault": "delay", "fault_seconds": 0.3}) as running:
        yield running


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def convert(*arguments: str, columns: int) -> AbstractContextManager[Terminal]:
    command = [sys.executable, "-m", "grisaille", "convert", *arguments]
    inherited = {name: value for name, value in environment().items() if name not in {"COLUMNS", "LINES"}}
    return terminal(command, columns, inherited | {"PYTHONPATH": str(ROOT), "TERM": "xterm"})


def is_under_way(lines: list[str]) -> bool:
    """Whether a file is done, and the bar stands in the last line alone."""
    *above, last = lines or [""]
    has_begun = BAR.match(last) is not None and not last.startswith("0/")
    return has_begun and not any(BAR.match(line) for line in above)


@pytest.mark.parametrize("columns", [40, 80])
def test_a_bar_stands_below_what_went_wrong_and_leaves_a_sentence(slow: Stack, columns: int) -> None:
    for name in "abcdef":
        Path(f"{name}.jpg").write_bytes(jpeg(photo(99, 77)))
    Path("bad \x1b[2J:cat:.jpg").write_bytes(b"no picture")
    with convert(".", "--server", slow.url, "--jobs", "2", columns=columns) as seen:
        seen.until(is_under_way)
        assert is_under_way(seen.lines)
        assert seen.end() == 1
        whole = "".join(seen.lines)
        assert whole.startswith("grisaille: bad \N{REPLACEMENT CHARACTER}[2J:cat:.jpg: ")
        assert whole.count("grisaille: ") == 1
        assert re.fullmatch(r"6 converted \(0\.0 MB\) in \d+\.\d s, 1 failed", seen.lines[-1])
        assert not BAR.search(whole)
        assert seen.told.rfind(CURSOR_IS_BACK) > seen.told.rfind("files")


def test_ctrl_c_leaves_what_was_done_on_the_screen(slow: Stack) -> None:
    for number in range(40):
        Path(f"{number}.jpg").write_bytes(jpeg(photo(99, 77)))
    with convert(".", "--server", slow.url, "--jobs", "2", columns=80) as seen:
        seen.until(is_under_way)
        seen.press(CTRL_C)
        assert seen.end() == 130
        told = re.search(r"(\d+) converted \(0\.0 MB\) in .* s, (\d+) not done", seen.lines[-1])
        assert told, seen.lines
        assert int(told[1]) + int(told[2]) == 40
        assert int(told[1]) == sum(1 for _ in Path().glob("*-grey.jpg"))
        assert seen.told.rfind(CURSOR_IS_BACK) > seen.told.rfind("files")


def test_a_service_that_is_not_there_is_said_once() -> None:
    for number in range(9):
        Path(f"{number}.jpg").write_bytes(jpeg(photo(99, 77)))
    away = f"http://127.0.0.1:{free_port()}"
    with convert(".", "--server", away, "--patience", "1", columns=80) as seen:
        seen.until(lambda lines: "asking again" in "".join(lines))
        assert BAR.match(seen.lines[-1])
        assert seen.end() == 1
        said, sentence = "".join(seen.lines[:-1]), seen.lines[-1]
        assert said.startswith("grisaille: 9 files: no connection to the service: ")
        assert said.count("no connection") == 1
        assert sentence.endswith("9 failed")
