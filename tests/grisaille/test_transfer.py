"""Where an answer is written: all of it or nothing, whatever the target is."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from support.service import ROOT

from grisaille.transfer import downloading

GREY = bytes(range(256)) * 8


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def download(target: str, *, fails: bool = False) -> None:
    with downloading(target) as made:
        made.file.write(GREY)
        if fails:
            raise InterruptedError


def names(folder: str = ".") -> set[str]:
    return {path.name for path in Path(folder).iterdir()}


@pytest.mark.parametrize("name", ["n" * 255, "\N{HIRAGANA LETTER A}" * 85, "-", " grey \n.png"])
def test_every_name_that_a_file_may_have_is_one_for_a_result(name: str) -> None:
    download(name)
    assert Path(name).read_bytes() == GREY
    assert names() == {name}


def test_a_link_stays_and_what_it_stands_for_is_replaced() -> None:
    Path("elsewhere").mkdir()
    Path("link").symlink_to("elsewhere/grey.png")
    for _ in "not there yet", "there":
        download("link")
        assert Path("link").is_symlink()
        assert Path("elsewhere/grey.png").read_bytes() == GREY
        Path("elsewhere/grey.png").write_bytes(b"old")
    with pytest.raises(InterruptedError):
        download("link", fails=True)
    assert Path("elsewhere/grey.png").read_bytes() == b"old"
    assert names("elsewhere") == {"grey.png"}


def test_a_device_or_a_pipe_is_written_to_and_stays() -> None:
    os.mkfifo("pipe")
    with open(os.open("pipe", os.O_RDWR | os.O_NONBLOCK), "r+b", buffering=0) as pipe:  # noqa: PTH123 - both its ends
        with pytest.raises(InterruptedError):
            download("pipe", fails=True)
        download("pipe")
        assert pipe.read(2 * len(GREY)) == GREY
    assert Path("pipe").is_fifo()
    assert names() == {"pipe"}


def test_a_folder_is_not_replaced() -> None:
    Path("folder").mkdir()
    with pytest.raises(IsADirectoryError):
        download("folder")
    assert names() == {"folder"}


def test_a_process_that_ends_while_a_thread_waits_for_the_rest_leaves_nothing_behind() -> None:
    code = """
import os, threading
from grisaille.transfer import downloading

def wait(begun):
    with downloading("grey.png") as made:
        made.file.write(b"half")
        begun.set()
        threading.Event().wait()

begun = threading.Event()
threading.Thread(target=wait, args=[begun], daemon=True).start()
begun.wait()
print(os.listdir()[0])
"""
    surroundings = os.environ | {"PYTHONPATH": str(ROOT)}
    told = subprocess.run([sys.executable, "-c", code], env=surroundings, capture_output=True, check=True)
    assert told.stdout.endswith(b".part\n")
    assert names() == set()
