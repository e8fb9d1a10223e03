"""Kernels compiled elsewhere: used where nothing can be written, done without where they are not."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from support.service import ROOT, environment

_COUNT = (
    "import shared.codecs.kernels, numba; from shared.codecs import jit; "
    "print(jit.cache_misses(), numba.config.CPU_NAME)"
)


def kernels(folder: Path | None, home: Path) -> tuple[int, str]:
    """Kernels that a new process had to compile, and the processor it compiles for."""
    settings = {} if folder is None else {"GRISAILLE_KERNELS": str(folder)}
    done = subprocess.run(
        [sys.executable, "-B", "-c", _COUNT],
        env=environment() | settings | {"HOME": str(home), "XDG_CACHE_HOME": str(home)},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    misses, processor = done.stdout.split()
    return int(misses), processor


def test_kernels_baked_once_are_found_by_every_later_process(tmp_path: Path) -> None:
    folder = tmp_path / "kernels"
    first, processor = kernels(folder, tmp_path)
    if processor == "None":
        pytest.fail("this processor is older than the images are for")
    assert first > 2
    files = {file: file.stat().st_mtime_ns for file in folder.rglob("*.nb*")}
    assert kernels(folder, tmp_path) == (0, processor)
    assert {file: file.stat().st_mtime_ns for file in folder.rglob("*.nb*")} == files


def test_without_a_cache_that_can_be_written_kernels_are_compiled_all_the_same(tmp_path: Path) -> None:
    nowhere = tmp_path / "file"
    nowhere.write_text("")
    misses, _ = kernels(nowhere / "kernels", nowhere)
    assert misses > 2


_CALLED = 'from shared.codecs.jit import kernel\n\n@kernel("int64()")\ndef number():\n    return {}\n'
_CALLING = """
import called
from called import number
from shared.codecs.jit import kernel

@kernel("int64()", uses=called)
def twice():
    return 2 * number()

print(twice())
"""


def test_a_kernel_is_compiled_anew_when_one_of_another_file_that_it_calls_has_changed(tmp_path: Path) -> None:
    (tmp_path / "calling.py").write_text(_CALLING)
    printed = []
    for number in (1, 1, 2):
        (tmp_path / "called.py").write_text(_CALLED.format(number))
        done = subprocess.run(
            [sys.executable, "-B", "calling.py"],
            env=environment() | {"NUMBA_CACHE_DIR": str(tmp_path / "cache"), "PYTHONPATH": str(ROOT)},
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=True,
        )
        printed.append(done.stdout)
    assert printed == ["2\n", "2\n", "4\n"]
