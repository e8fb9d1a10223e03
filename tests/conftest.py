"""What several test folders need: the corpus, pictures, a running service."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest

# Kernels that this process runs check their bounds. numba's cache does not tell the two kinds apart.
os.environ["NUMBA_BOUNDSCHECK"] = "1"
os.environ["NUMBA_CACHE_DIR"] = str(Path(__file__).parents[1] / ".pytest_cache/kernels")

from support.service import Service, running

CORPUS = Path(os.environ.get("GRISAILLE_CORPUS", Path(__file__).parents[2] / "shared/corpus"))
"""Images made by others (docs/testing.md says where they are from)."""

# Without the corpus, jpegtran, ExifTool or Chromium tests that need them are not collected, unless someone
# named what is missing: then they must fail.
collect_ignore = [] if CORPUS.is_dir() or "GRISAILLE_CORPUS" in os.environ else ["corpus"]
if shutil.which("jpegtran") is None and "GRISAILLE_JPEGTRAN" not in os.environ:
    collect_ignore += ["codecs/test_jpeg_lossless.py", "corpus/test_corpus_lossless.py"]
if shutil.which("exiftool") is None and "GRISAILLE_EXIFTOOL" not in os.environ:
    collect_ignore.append("corpus/test_corpus_metadata.py")
if shutil.which("tiffinfo") is None and "GRISAILLE_TIFFINFO" not in os.environ:
    collect_ignore += ["codecs/test_tiff_merge.py"]
if shutil.which("chromium") is None and "GRISAILLE_CHROMIUM" not in os.environ:
    collect_ignore += ["page"]


def pytest_addoption(parser: pytest.Parser) -> None:
    """Of the reliability scenarios and the dashboard; pytest wants options here."""
    parser.addoption("--report", help="write the table of reliability there")
    parser.addoption("--soak-seconds", type=float, default=15.0, help="length of the soak test")
    parser.addoption("--screenshots", help="keep pictures of the page in that folder (tests/page)")
    parser.addoption("--picture", help="plot the dashboard's queries there (tests/observability)")


def pytest_configure() -> None:
    """Whoever ends the tests ends what they started, too."""
    signal.signal(signal.SIGTERM, lambda *_: pytest.exit("asked to end", 143))


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Of these one takes ten minutes, others need a cluster or tools: they run only where they are named."""
    named = any(collection_path.name in argument for argument in config.args)
    return (
        True
        if collection_path.name in {"reliability", "e2e", "validate", "observability"} and not named
        else None
    )


hypothesis.settings.register_profile("dev", deadline=None, max_examples=60)
hypothesis.settings.register_profile("long", deadline=None, max_examples=3000)
hypothesis.settings.register_profile("fuzz", deadline=None, max_examples=20_000, report_multiple_bugs=True)
hypothesis.settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "dev"))


@pytest.fixture(scope="session")
def corpus() -> Path:
    return CORPUS


@pytest.fixture(scope="session")
def service() -> Iterator[Service]:
    """`grisaille serve` with three workers, for all tests that do it no harm."""
    with running(workers=3) as started:
        yield started
