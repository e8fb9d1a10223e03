"""`grisaille convert` as its user meets it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result
from support.addresses import free_port
from support.images import Pixels, grey, jpeg, photo, pixels, png
from support.service import ROOT, Service, environment
from support.stack import stack

from grisaille.cli import main
from shared.options import Options

GOOD = {"a.jpg": jpeg(photo(320, 240)), "deep/b.png": png(photo(200, 100)), "c.jpg": jpeg(photo(99, 77))}
BAD = {"bad.jpg": GOOD["a.jpg"][:3000]}


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("GRISAILLE_SERVER", raising=False)


@pytest.fixture(params=["with a service", "without one"])
def server(request: pytest.FixtureRequest) -> str:
    """For --server."""
    return request.getfixturevalue("service").url if request.param == "with a service" else ""


def written(files: dict[str, bytes], folder: str = "in") -> None:
    for name, content in files.items():
        path = Path(folder, name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def run(*arguments: str, stdin: bytes = b"") -> Result:
    return CliRunner().invoke(main, ["convert", *arguments], input=stdin)


def lines(result: Result) -> dict[str, dict[str, Any]]:
    """What --json said, by source."""
    return {line["source"]: line for line in map(json.loads, result.stdout.splitlines())}


def wanted(data: bytes, options: Options = Options()) -> Pixels:  # noqa: B008 - it is frozen
    return pixels(grey(data, options))


def found(folder: str) -> set[str]:
    return {str(path.relative_to(folder)) for path in Path(folder).rglob("*") if path.is_file()}


def started(*arguments: str, **more: Any) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "grisaille", "convert", *arguments]
    surroundings = environment() | {"PYTHONPATH": str(ROOT)}
    return subprocess.Popen(command, env=surroundings, stderr=subprocess.PIPE, **more)


def test_a_folder_becomes_grey_file_by_file_and_a_bad_one_hurts_no_other(server: str) -> None:
    written(GOOD | BAD)
    result = run("in", "--server", server, "--output", "out", "--json")
    assert result.exit_code == 1
    assert found("out") == {"a-grey.jpg", "deep/b-grey.png", "c-grey.jpg"}
    for name, content in GOOD.items():
        output = Path("out", name.replace(".", "-grey."))
        assert np.array_equal(pixels(output.read_bytes()), wanted(content))
    said = lines(result)
    assert {name: line["status"] for name, line in said.items()} == {
        "in/a.jpg": "converted",
        "in/bad.jpg": "failed",
        "in/c.jpg": "converted",
        "in/deep/b.png": "converted",
    }
    assert said["in/bad.jpg"]["error"]["type"] == "malformed-image"
    assert said["in/a.jpg"]["size"] == Path("out/a-grey.jpg").stat().st_size
    assert result.stderr.startswith("grisaille: in/bad.jpg: ")
    assert result.stderr.count("\n") == 1


def test_what_is_there_is_not_converted_again_unless_that_is_wanted(server: str) -> None:
    written(GOOD)
    assert run("in", "--server", server).exit_code == 0
    Path("in/a-grey.jpg").unlink()
    Path("in/c-grey.jpg").write_bytes(b"mine")
    again = run("in", "--server", server, "--json")
    assert again.exit_code == 0
    assert [lines(again)[f"in/{name}"]["status"] for name in GOOD] == ["converted", "skipped", "skipped"]
    assert Path("in/c-grey.jpg").read_bytes() == b"mine"
    assert run("in", "--server", server, "--overwrite").exit_code == 0
    assert np.array_equal(pixels(Path("in/c-grey.jpg").read_bytes()), wanted(GOOD["c.jpg"]))
    assert found("in") == {*GOOD, "a-grey.jpg", "c-grey.jpg", "deep/b-grey.png"}


def test_options_reach_the_codecs(server: str) -> None:
    written(GOOD)
    asked = ["--format", "jpeg", "--luma", "bt601-rgb", "--quality", "35", "--metadata", "strip"]
    assert run("in/c.jpg", "--server", server, "-o", "x", *asked, "--effort", "fast").exit_code == 0
    same = run("in/c.jpg", "--server", server, "-o", "y")
    assert same.exit_code == 0
    x, y = Path("x").read_bytes(), Path("y").read_bytes()
    assert len(x) < len(y)
    assert np.array_equal(pixels(y), wanted(GOOD["c.jpg"]))


def test_the_name_of_the_one_result_says_its_format_unless_that_is_asked_for(server: str) -> None:
    written(GOOD)
    for arguments, signature in (
        (["in/a.jpg", "-o", "x.png"], b"\x89PNG"),
        (["in/deep/b.png", "-o", "new/x.JPG"], b"\xff\xd8\xff"),
        (["-", "-o", "x.tiff"], b"II*\0"),
        (["in/a.jpg", "-o", "y.png", "--format", "same"], b"\xff\xd8\xff"),
        (["in/a.jpg", "-o", "folder.png/"], b"\xff\xd8\xff"),
    ):
        assert run(*arguments, "--server", server, stdin=GOOD["c.jpg"]).exit_code == 0
        made = Path(arguments[2])
        [made] = made.iterdir() if made.is_dir() else [made]
        assert made.read_bytes().startswith(signature)


def test_a_picture_flows_from_standard_input_to_standard_output(server: str) -> None:
    process = started("-", "--server", server, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    picture, said = process.communicate(GOOD["a.jpg"], timeout=60)
    assert (process.returncode, said) == (0, b"")
    assert np.array_equal(pixels(picture), wanted(GOOD["a.jpg"]))
    broken = started("-", "--server", server, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    picture, said = broken.communicate(BAD["bad.jpg"], timeout=60)
    assert (broken.returncode, picture) == (1, b"")
    assert said.startswith(b"grisaille: standard input: ")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nothing.jpg"], "there is no file"),
        (["in/a.jpg", "--quality", "101"], "101"),
        (["in/a.jpg", "--luma", "purple"], "purple"),
        (["in/a.jpg", "--server", "localhost"], "is not a URL"),
        (["in/a.jpg", "-o", "-", "--json"], "standard output"),
        ([], "FILE"),
    ],
)
def test_wrong_usage_is_said_and_nothing_is_converted(arguments: list[str], said: str) -> None:
    written(GOOD)
    result = run(*arguments)
    assert result.exit_code == 2
    assert said in result.stderr
    assert found("in") == set(GOOD)


def test_a_result_that_cannot_be_written_is_a_failure_of_its_file() -> None:
    written(GOOD)
    result = run("in/a.jpg", "in/deep", "-o", "in/c.jpg/")
    assert result.exit_code == 1
    assert result.stderr.count("grisaille: in/") == 2
    assert found("in") == set(GOOD)


def test_without_a_service_there_the_rest_is_given_up_at_once() -> None:
    written(GOOD)
    url = f"http://127.0.0.1:{free_port()}"
    result = run("in", "--server", url, "--patience", "0.5", "--jobs", "1", "--json")
    assert result.exit_code == 1
    said = lines(result)
    assert {line["error"]["type"] for line in said.values()} == {"Unreachable"}
    assert sum(line["seconds"] for line in said.values()) < 5
    assert found("in") == set(GOOD)


def test_the_environment_names_the_service(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    written(GOOD)
    monkeypatch.setenv("GRISAILLE_SERVER", service.url)
    result = run("in/a.jpg", "--json", "-o", "x.jpg")
    assert lines(result)["in/a.jpg"]["plan"]["workers"] == 1


def test_a_signal_ends_it_soon_and_leaves_nothing_half_done() -> None:
    written({f"{i}.jpg": GOOD["a.jpg"] for i in range(40)})
    with stack(1, {"fault": "delay", "fault_seconds": 0.2}) as slow:
        for number, code in ((signal.SIGINT, 130), (signal.SIGTERM, 143)):
            process = started("in", "--server", slow.url, "--json", "-o", "out", stdout=subprocess.PIPE)
            assert process.stdout is not None
            said = process.stdout
            while json.loads(said.readline())["status"] != "converted":
                pass
            process.send_signal(number)
            process.communicate(timeout=20)
            assert process.returncode == code
    assert 2 <= len(found("out")) < 40
    for name in found("out"):
        assert np.array_equal(pixels(Path("out", name).read_bytes()), wanted(GOOD["a.jpg"]))


def test_a_reader_that_leaves_ends_it_quietly(service: Service) -> None:
    written({f"{i}.jpg": GOOD["a.jpg"] for i in range(200)})
    process = started("in", "--server", service.url, "--json", "-o", "out", stdout=subprocess.PIPE)
    assert process.stdout is not None and process.stderr is not None  # noqa: PT018
    process.stdout.readline()
    process.stdout.close()
    with process.stderr as said:
        assert said.read() == b""
    assert process.wait(20) == 1
    assert not [name for name in found("out") if name.endswith(".part")]


def test_a_killed_worker_and_a_restarted_gateway_lose_no_file() -> None:
    pictures = {f"{i}.jpg": jpeg(photo(640 + i, 480)) for i in range(60)}
    written(pictures)
    with stack(2) as running:
        asked = ["in", "--server", running.url, "--patience", "300", "--json", "-o", "out"]
        process = started(*asked, stdout=subprocess.PIPE)
        assert process.stdout is not None and process.stderr is not None  # noqa: PT018
        with process.stdout as said, process.stderr as complaints:
            for _ in range(8):
                said.readline()
            os.kill(running.workers[0].pid, signal.SIGKILL)
            for _ in range(8):
                said.readline()
            running.gateway.end(signal.SIGKILL)
            assert process.poll() is None
            running.gateway.start()
            rest = [json.loads(line) for line in said]
            assert complaints.read() == b""
        assert process.wait(60) == 0
        assert {line["status"] for line in rest} == {"converted"}
        assert max(line["tries"] for line in rest) > 1
    assert found("out") == {name.replace(".", "-grey.") for name in pictures}
    for name, content in pictures.items():
        assert np.array_equal(pixels(Path("out", name.replace(".", "-grey.")).read_bytes()), wanted(content))
