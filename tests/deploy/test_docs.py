"""Pages that are made from the code say what the code says; links lead somewhere, and commands exist."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from support.service import ROOT

MADE = ["api.md", "metrics.md", "settings.md"]
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").glob("*.md"))]

_CODE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\]\(([^)\s]+)\)|\bsrc=\"([^\"]+)\"")
_HEADING = re.compile(r"^#+ +(.+)$", re.MULTILINE)
_MAKE = re.compile(r"(?:`|^|&& )(?:[A-Z_]+=\S+ )*make ([a-z0-9-]+)", re.MULTILINE)
_MODULE = re.compile(r"python -m ((?:bench|docs|gateway|worker)[a-z_.]*)")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with the pages as the code has them."""
    folder = tmp_path_factory.mktemp("docs")
    subprocess.run([sys.executable, "-m", "docs.generate", str(folder)], cwd=ROOT, check=True)
    return folder


@pytest.mark.parametrize("name", MADE)
def test_a_page_is_up_to_date(name: str, made: Path) -> None:
    assert (made / name).read_text() == (ROOT / "docs" / name).read_text()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_to_files_and_headings_that_are_there(page: Path) -> None:
    links = [link for pair in _LINK.findall(_CODE.sub("", page.read_text())) for link in pair if link]
    ours = [link for link in links if not link.startswith(("http:", "https:"))]
    assert [link for link in ours if not _there(page, link)] == []


def test_every_page_is_found_from_the_readme() -> None:
    found = {ROOT / "README.md"}
    while new := {to for page in found for to in _pages_linked(page)} - found:
        found |= new
    assert set(PAGES) - found == {ROOT / "CHANGELOG.md"}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_that_are_named_exist(page: Path) -> None:
    text = page.read_text()
    verbs = set(re.findall(r"^([a-z0-9-]+):.*##", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert set(_MAKE.findall(text)) <= verbs
    modules = {Path(ROOT, *name.rstrip(".").split(".")) for name in _MODULE.findall(text)}
    assert [name for name in modules if not (name.with_suffix(".py").exists() or name.is_dir())] == []


def _there(page: Path, link: str) -> bool:
    path, _, anchor = link.partition("#")
    file = page.parent / path if path else page
    return file.exists() and (not anchor or anchor in _anchors(file))


def _anchors(page: Path) -> set[str]:
    """Anchors as GitHub makes them of headings."""
    headings = _HEADING.findall(_CODE.sub("", page.read_text()))
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def _pages_linked(page: Path) -> set[Path]:
    links = [first for first, _ in _LINK.findall(page.read_text())]
    files = {(page.parent / link.partition("#")[0]).resolve() for link in links}
    return files & set(PAGES)
