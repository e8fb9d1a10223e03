"""Which files are converted, and what their results are called."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from support.images import jpeg, photo, png

from grisaille.jobs import Job, jobs
from shared.codecs.formats import Format
from shared.options import Options

JPEG, PNG = jpeg(photo(16, 16)), png(photo(16, 16))
GIF = b"GIF89a" + bytes(20)
PLAIN = Options()


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def files(**contents: bytes) -> None:
    """`a__b_jpg` is a/b.jpg."""
    for name, content in contents.items():
        path = Path(name.replace("__", "/").replace("_", "."))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def planned(*sources: str, output: str | None = None, asked: Options = PLAIN) -> dict[str, str]:
    return {str(job.source): str(job.output) for job in jobs(sources, output, asked)}


def test_a_result_stands_beside_its_source_and_keeps_its_extension_if_the_format_stays() -> None:
    files(a_jpg=JPEG, b_JPEG=JPEG, c_png=PNG, d_gif=GIF, e=JPEG, lying_png=JPEG)
    assert planned("a.jpg", "b.JPEG", "c.png", "d.gif", "e", "lying.png") == {
        "a.jpg": "a-grey.jpg",
        "b.JPEG": "b-grey.JPEG",
        "c.png": "c-grey.png",
        "d.gif": "d-grey.png",
        "e": "e-grey.jpg",
        "lying.png": "lying-grey.jpg",
    }
    to_tiff = Options(format=Format.TIFF)
    assert planned("a.jpg", "c.png", asked=to_tiff) == {"a.jpg": "a-grey.tif", "c.png": "c-grey.tif"}


def test_a_folder_gives_its_images_and_its_structure_is_kept() -> None:
    files(in__a_jpg=JPEG, in__deep__er__b_png=PNG, in__noext=PNG, in__notes_txt=b"text", in__broken_jpg=b"")
    files(in___hidden_jpg=JPEG, in__deep___git__c_png=PNG)
    assert planned("in", output="out") == {
        "in/a.jpg": "out/a-grey.jpg",
        "in/broken.jpg": "out/broken-grey.png",
        "in/deep/er/b.png": "out/deep/er/b-grey.png",
        "in/noext": "out/noext-grey.png",
    }
    assert planned("in")["in/deep/er/b.png"] == "in/deep/er/b-grey.png"


def test_a_pattern_gives_what_matches_below_its_plain_part() -> None:
    files(in__x__a_jpg=JPEG, in__y__b_jpg=JPEG, in__c_jpg=JPEG, in__d_png=PNG)
    assert planned("in/**/*.jpg", output="out") == {
        "in/c.jpg": "out/c-grey.jpg",
        "in/x/a.jpg": "out/x/a-grey.jpg",
        "in/y/b.jpg": "out/y/b-grey.jpg",
    }


def test_what_was_made_before_is_no_source_wherever_it_went() -> None:
    files(a_jpg=JPEG, b_png=PNG)
    first = planned("a.jpg", "b.png")
    for output in first.values():
        Path(output).write_bytes(PNG)
    assert planned(".") == planned("*.*") == planned("a.jpg", "b.png", *first.values()) == first
    assert planned(".", asked=Options(format=Format.TIFF)).keys() == first.keys()
    for pattern in (".", "**/*.*"):
        inside = planned(pattern, output="out")
        for output in inside.values():
            Path(output).parent.mkdir(exist_ok=True)
            Path(output).write_bytes(PNG)
        assert planned(pattern, output="out") == inside


def test_results_that_would_have_one_name_say_where_they_come_from() -> None:
    files(a_jpg=JPEG, a_png=PNG, b_jpg=JPEG)
    asked = Options(format=Format.PNG)
    assert planned(".", asked=asked) == {
        "a.jpg": "a.jpg-grey.png",
        "a.png": "a.png-grey.png",
        "b.jpg": "b-grey.png",
    }
    first = planned(".", asked=asked)
    for output in first.values():
        Path(output).write_bytes(PNG)
    assert planned(".", asked=asked) == first


def test_no_two_files_ever_share_a_result_and_none_overwrites_a_source() -> None:
    files(x__a_jpg=JPEG, y__a_jpg=JPEG, a_jpg=JPEG, x__a_png=PNG)
    Path("link").symlink_to("x")
    refused = [
        (["x/a.jpg", "y/a.jpg"], "out", "x/a.jpg and y/a.jpg would both become out/a.jpg-grey.jpg"),
        (["a.jpg"], "a.jpg", "would be overwritten"),
        (["a.jpg"], str(Path("a.jpg").absolute()), "would be overwritten"),
        (["x/a.png"], "link/a.png", "would be overwritten"),
        (["x", "y"], "out", "would both become"),
        ([""], None, "a name is empty"),
        (["a.jpg"], "", "a name is empty"),
        (["a.jpg", "n" * 300], None, "File name too long"),
        (["a.jpg", "x/a.jpg"], "-", "2 files cannot go to one output"),
        (["-", "a.jpg"], None, "standard input"),
        (["nothing.jpg"], None, "there is no file 'nothing.jpg'"),
        (["*.webp"], None, "no image is found"),
    ]
    for sources, output, said in refused:
        with pytest.raises(click.UsageError, match=said):
            jobs(sources, output, PLAIN)


def test_a_file_named_twice_is_converted_once() -> None:
    files(in__a_jpg=JPEG)
    assert planned("in", "in/a.jpg", "./in/../in/a.jpg", "in/*") == {"in/a.jpg": "in/a-grey.jpg"}


def test_one_file_may_be_given_its_result_s_name() -> None:
    files(a_jpg=JPEG)
    Path("folder").mkdir()
    Path("loop").symlink_to("loop")
    for output, wanted in {
        "x.png": "x.png",
        "loop": "loop",
        "folder": "folder/a-grey.jpg",
        "new/": "new/a-grey.jpg",
    }.items():
        assert planned("a.jpg", output=output) == {"a.jpg": wanted}


def test_a_pipe_with_a_name_is_a_file_of_which_nothing_is_read_before_it_is_sent() -> None:
    os.mkfifo("pipe")
    with open(os.open("pipe", os.O_RDWR | os.O_NONBLOCK), "r+b", buffering=0) as pipe:  # noqa: PTH123 - both its ends
        pipe.write(JPEG)
        assert planned("pipe", output="x.jpg") == {"pipe": "x.jpg"}
        assert pipe.read(len(JPEG)) == JPEG


@contextlib.contextmanager
def without_privileges() -> Iterator[None]:
    """Root may read everything."""
    before = os.geteuid()
    if before == 0:
        os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(before)


def test_a_folder_that_cannot_be_read_is_not_passed_over_in_silence() -> None:
    files(in__a_jpg=JPEG, in__locked__b_jpg=JPEG)
    Path("in/locked").chmod(0)
    Path.cwd().chmod(0o755)
    with without_privileges():
        assert planned("in", output="out") == {
            "in/a.jpg": "out/a-grey.jpg",
            "in/locked": "out/locked-grey.png",
        }
        with pytest.raises(PermissionError):
            Path("in/locked").read_bytes()


def test_standard_input_goes_to_standard_output_or_to_a_file() -> None:
    assert jobs(["-"], None, PLAIN) == jobs(["-"], "-", PLAIN) == [Job(None, None)]
    assert jobs(["-"], "x.png", PLAIN) == [Job(None, Path("x.png"))]
    files(a_jpg=JPEG)
    assert jobs(["a.jpg"], "-", PLAIN) == [Job(Path("a.jpg"), None)]
