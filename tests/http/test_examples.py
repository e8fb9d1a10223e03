"""The curl lines of docs/api.md do what the page says."""

from __future__ import annotations

import re
import shlex
import subprocess
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from support.batches import Answer, archive
from support.images import jpeg, opened, photo, png
from support.service import ROOT, Service

PAGE = (ROOT / "docs/api.md").read_text()
LINES = re.findall(r"^curl .*$", PAGE, re.MULTILINE)
JPEG, PNG = jpeg(photo(64, 48)), png(photo(40, 30))
FILES = {
    "photo.jpg": JPEG,
    "1.jpg": JPEG,
    "2.png": PNG,
    "photos.zip": archive([("1.jpg", JPEG), ("2.png", PNG)]).data,
    "notes.txt": b"no image",
}


def test_there_are_examples_of_every_route() -> None:
    assert {re.search(r"localhost:5006(/[a-z]+)", line)[1] for line in LINES} == {  # type: ignore[index]
        *("/convert", "/batch", "/version")
    }


@pytest.mark.parametrize("line", LINES)
def test_an_example_works(service: Service, tmp_path: Path, line: str) -> None:
    for name, data in FILES.items():
        (tmp_path / name).write_bytes(data)
    command = [
        "curl", "-sS", *shlex.split(line.replace("localhost:5006", urlsplit(service.url).netloc))[1:]
    ]  # fmt: skip
    said = subprocess.run(command, cwd=tmp_path, check=True, capture_output=True, timeout=60).stdout
    written = line.rpartition(" -o ")[2]
    if written == "grey.zip":
        assert len(Answer.of((tmp_path / written).read_bytes()).images) == 2
    elif written.startswith("grey."):
        picture = opened((tmp_path / written).read_bytes())
        assert (picture.mode, picture.format) == ("L", {"grey.jpg": "JPEG", "grey.png": "PNG"}[written])
    else:
        assert (b"urn:grisaille:problem:" in said) == ("notes.txt" in line)
        assert said.startswith(b"{")
