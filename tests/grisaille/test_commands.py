"""The other commands, and what importing costs a client."""

from __future__ import annotations

import doctest
import json
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from support.images import jpeg, photo, png
from support.service import ROOT, Service, environment

import grisaille.client
from grisaille.cli import main
from shared.codecs.headers import read
from shared.codecs.limits import Limits
from shared.version import VERSION


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, list(arguments))


@pytest.fixture
def pictures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("photo.jpg").write_bytes(jpeg(photo(2000, 1500)))
    Path("marked.jpg").write_bytes(jpeg(photo(2000, 1500), restart_marker_rows=2))
    Path("drawing.png").write_bytes(png(photo(300, 200)))
    Path("notes.txt").write_text("no picture")


@pytest.mark.usefixtures("pictures")
def test_info_tells_what_a_file_is_and_the_plan_that_the_service_would_make(service: Service) -> None:
    told = run("info", "marked.jpg", "photo.jpg", "drawing.png", "--slots", "3", "--json")
    assert told.exit_code == 0
    marked, plain, drawing = map(json.loads, told.stdout.splitlines())
    assert (marked["format"], marked["width"], marked["height"], marked["depth"]) == ("jpeg", 2000, 1500, 8)
    assert [one["cut"] for one in (marked, plain, drawing)] == ["markers", "scan", "none"]
    assert marked["units"] == read(memoryview(Path("marked.jpg").read_bytes()), Limits()).units
    for told_one in (marked, plain, drawing):
        answer = service.convert(Path(told_one["file"]).read_bytes())
        plan = told_one["plan"]
        expected = f"{plan['kind']}; stripes={plan['stripes']}; "
        assert answer.headers["X-Grisaille-Plan"].startswith(expected)
        assert answer.headers["X-Grisaille-Plan"].endswith(f"reason={plan['reason']}")


@pytest.mark.usefixtures("pictures")
def test_info_speaks_in_sentences_and_says_what_would_be_refused() -> None:
    told = run("info", "marked.jpg", "notes.txt", "--slots", "2", "--format", "png")
    assert told.exit_code == 1
    assert "JPEG, 2000 x 1500 (3.0 megapixels), 8 bit, colour" in told.stdout
    assert "result: PNG" in told.stdout
    assert "with 2 free slots: 2 stripes, since one for each free slot" in told.stdout
    assert "notes.txt: This image format" in told.stderr


@pytest.mark.usefixtures("pictures")
def test_bench_measures_a_service(service: Service) -> None:
    asked = ["bench", "drawing.png", "--server", service.url, "--seconds", "0.2", "--in-flight", "3"]
    figures = json.loads(run(*asked, "--json").stdout)
    assert 0 < figures["fastest"] <= figures["median"] <= figures["slowest"]
    assert sum(figures["stages"].values()) <= figures["slowest"]
    assert figures["pictures_a_second"] > 1
    assert "3 in flight: " in run(*asked).stdout
    refused = run("bench", "notes.txt", "--server", service.url)
    assert refused.exit_code == 1
    assert "not supported" in refused.stderr


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_shell_completes_commands_options_and_values(shell: str) -> None:
    assert "_GRISAILLE_COMPLETE" in run("completion", shell).stdout
    words = {"COMP_WORDS": "grisaille convert --luma bt601", "COMP_CWORD": "3"}
    asked = environment() | words | {"_GRISAILLE_COMPLETE": "bash_complete"}
    command = [sys.executable, "-m", "grisaille"]
    told = subprocess.run(command, cwd=ROOT, env=asked, capture_output=True, text=True, check=False)
    assert "plain,bt601-rgb" in told.stdout.splitlines()


def test_the_version_is_told() -> None:
    assert run("--version").stdout == f"grisaille {VERSION}\n"


def test_the_client_brings_nothing_of_the_services_and_no_command_numpy_before_it_is_used() -> None:
    code = """
import sys, grisaille.client, grisaille.cli
ours = {name.partition(".")[0] for name in sys.modules} & {"gateway", "worker", "shared", "numpy", "PIL"}
assert not ours, ours
for command in ("convert", "info", "bench", "serve", "completion"):
    grisaille.cli.main.get_command(None, command)
heavy = {name.partition(".")[0] for name in sys.modules} & {"gateway", "worker", "numpy", "PIL", "isal"}
assert not heavy, heavy
"""
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, timeout=60)


def test_where_nobody_looks_nothing_is_loaded_that_draws() -> None:
    code = """
import sys, grisaille.cli
grisaille.cli.main.get_command(None, "convert")
drawing = {"rich", "pygments"} & sys.modules.keys()
assert not drawing, drawing
"""
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, timeout=60)


@pytest.mark.usefixtures("pictures")
def test_what_the_documentation_shows_is_what_happens(service: Service) -> None:
    globs = {"url": service.url}
    page = doctest.testfile(str(ROOT / "docs/client.md"), module_relative=False, globs=globs)
    examples = doctest.testmod(grisaille.client, extraglobs=globs)
    assert page.failed == examples.failed == 0
    assert page.attempted > 15
    assert examples.attempted >= 6
