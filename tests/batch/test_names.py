"""However uploads are called, their results stay where they are unpacked, each by a name of its own."""

from __future__ import annotations

import unicodedata
import warnings
from pathlib import PurePosixPath, PureWindowsPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.names import distinct, entry_name

PARTS = st.sampled_from(
    [
        "..",
        ".",
        "",
        " ",
        ".. ",
        "...",
        "C:",
        "c:x",
        "a",
        "A",
        "a.jpg",
        "a.png",
        "ä.tif",
        unicodedata.normalize("NFD", "ä.tif"),
        "aux",
        "Con .txt",
        "com\xb9.tar.gz",
        "\u202egpj.exe",
        "\0",
        "nul\n",
        "a" * 300,
    ]
)
PATHS = st.lists(PARTS | st.text(max_size=8), max_size=30).flatmap(
    lambda parts: st.sampled_from(["/", "\\"]).map(lambda separator: separator.join(parts))
)


def entries(names: list[str], extension: str = "png") -> list[str]:
    return [entry_name(path, number, extension) for path, number in distinct(names)]


@given(st.lists(PATHS, max_size=12))
def test_no_name_leads_out_of_the_folder_it_is_unpacked_in(names: list[str]) -> None:
    for name in entries(names):
        assert not PurePosixPath(name).is_absolute()
        windows = PureWindowsPath(name)
        assert not windows.anchor
        assert not any(part.rstrip(". ") == "" for part in windows.parts)
        assert len(name.encode()) < 1 << 16
        assert name.isprintable()
        with warnings.catch_warnings(action="ignore", category=DeprecationWarning):  # from 3.13
            assert not any(PureWindowsPath(part).is_reserved() for part in windows.parts)


@given(st.lists(PATHS, max_size=12))
def test_no_two_have_the_same_name_not_even_where_case_or_the_form_of_accents_is_lost(
    names: list[str],
) -> None:
    found = entries(names)
    assert len({unicodedata.normalize("NFC", name).casefold() for name in found}) == len(names)
    assert "errors.json" not in found


@pytest.mark.parametrize(
    ("sent", "got"),
    [
        (["a.jpg", "b.png"], ["a-grey.png", "b-grey.png"]),
        (["holiday/a.jpg", "b/holiday/a.jpg"], ["holiday/a-grey.png", "b/holiday/a-grey.png"]),
        (["a.jpg", "A.JPG", "a.png"], ["a-grey.png", "A-grey-2.png", "a-grey-3.png"]),
        (["../../etc/passwd", "/etc/passwd"], ["etc/passwd-grey.png", "etc/passwd-grey-2.png"]),
        (["C:\\photos\\a.jpg"], ["C_/photos/a-grey.png"]),
        (["", "photo"], ["image-grey.png", "photo-grey.png"]),
        (["Füße.v2.jpg"], ["Füße.v2-grey.png"]),
        (["\xe9.jpg", "e\u0301.jpg"], ["\xe9-grey.png", "e\u0301-grey-2.png"]),
        (["aux/nul.jpg", "Con .tar.gz"], ["_aux/_nul-grey.png", "_Con .tar-grey.png"]),
    ],
)
def test_names_are_kept_as_far_as_they_can_be(sent: list[str], got: list[str]) -> None:
    assert entries(sent) == got
