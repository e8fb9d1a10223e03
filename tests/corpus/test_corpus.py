"""Every image made by others: the right picture, or the problem that `golden.txt` names.

Right is, of a JPEG, Pillow's ``draft("L")`` for bt601, else what each luma makes of Pillow's pixels; of a
PNG, what it makes of libvips' samples, with their 16 bits and their alpha. The same for every number of
stripes and of workers, distributed and in-process.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from support import vips
from support.images import grey, unpacked
from support.service import Service, plan, running

from shared.codecs.formats import Format
from shared.codecs.jpeg import markers, split
from shared.options import Luma, Options
from shared.problems import KINDS

GOLDEN = dict(line.split() for line in (Path(__file__).parent / "golden.txt").read_text().splitlines())
JPEGS = [name for name in GOLDEN if not name.endswith(".png")]
PNGS = [name for name in GOLDEN if name.endswith(".png")]
STRIPES = (1, 2, 3, 7, 16, 32)
SMALL_BYTES = 1 << 20
"""So small a file is cheap to convert with every luma in every number of stripes; others share these out."""


def is_right(result: bytes, data: bytes, luma: Luma) -> bool:
    """Whether it is the right picture; libvips rounds light in its own way."""
    return vips.differ(vips.decoded(result), vips.right(data, luma)) <= (luma is Luma.LINEAR)


def obtainable(data: bytes, asked: int) -> tuple[str, int]:
    """The plan to expect: as many stripes as asked for, or as MCU rows and restart markers allow."""
    cuts = split.find_cuts(memoryview(data), markers.parse(memoryview(data)))
    count = min(asked, cuts.units) if cuts else 1
    return ("stripes", count) if count > 1 else ("whole", 1)


def is_plain(data: bytes) -> bool:
    return split.find_cuts(memoryview(data), markers.parse(memoryview(data))) is not None


def test_the_golden_list_is_the_corpus(corpus: Path) -> None:
    files = {str(path.relative_to(corpus)) for path in corpus.rglob("*.*") if path.is_file()}
    notices = {name for name in files if "LICENSE" in name or "README" in name}
    assert files - notices == set(GOLDEN)


@pytest.mark.parametrize("luma", [Luma.BT601, Luma.BT601_RGB, Luma.LINEAR])
@pytest.mark.parametrize("name", GOLDEN)
def test_in_process(corpus: Path, name: str, luma: Luma) -> None:
    data = (corpus / name).read_bytes()
    options = Options(format=Format.PNG, luma=luma)
    if GOLDEN[name] in KINDS:
        with pytest.raises(KINDS[GOLDEN[name]]):
            grey(data, options)
        return
    assert is_right(grey(data, options), data, luma)


@pytest.mark.parametrize("luma", [Luma.BT601, Luma.BT601_RGB])
@pytest.mark.parametrize("name", JPEGS)
def test_jpegs_by_stripes(service: Service, corpus: Path, name: str, luma: Luma) -> None:
    data = (corpus / name).read_bytes()
    for asked in STRIPES if len(data) < SMALL_BYTES else STRIPES[luma is Luma.BT601 :: 2]:
        answer = service.convert(data, format="png", luma=luma, stripes=asked)
        if GOLDEN[name] in KINDS:
            assert answer.json()["type"].endswith(GOLDEN[name])
            continue
        assert is_right(answer.content, data, luma)
        wanted = obtainable(data, asked)
        assert plan(answer) in {wanted, ("whole", 1)}
        # Whole though it can be cut only where the strict decoder of a stripe balked.
        assert plan(answer) == wanted or "reason=stripe-refused" in answer.headers["X-Grisaille-Plan"]


@pytest.fixture(scope="module")
def lone_worker() -> Iterator[Service]:
    """A service with one worker."""
    with running(workers=1) as started:
        yield started


@pytest.mark.parametrize("luma", [Luma.BT601, Luma.LINEAR])
@pytest.mark.parametrize("name", [name for name in JPEGS if name.startswith("photos/")])
def test_photographs_on_one_worker(lone_worker: Service, corpus: Path, name: str, luma: Luma) -> None:
    data = (corpus / name).read_bytes()
    for asked in (1, 7):
        answer = lone_worker.convert(data, format="png", luma=luma, stripes=asked)
        assert is_right(answer.content, data, luma)
        assert plan(answer) == obtainable(data, asked)


@pytest.mark.parametrize("name", JPEGS)
def test_as_jpeg_the_bytes_are_the_same_for_every_number_of_stripes(
    service: Service, corpus: Path, name: str
) -> None:
    data = (corpus / name).read_bytes()
    right = None if GOLDEN[name] in KINDS else grey(data, Options(format=Format.JPEG))
    for asked in STRIPES:
        answer = service.convert(data, stripes=asked, format="jpeg")
        if right is None:
            assert answer.json()["type"].endswith(GOLDEN[name])
            continue
        assert plan(answer) == obtainable(data, asked)
        assert answer.content == right
        assert ("X-Grisaille-Note" in answer.headers) == (plan(answer)[0] == "whole" and not is_plain(data))


@pytest.mark.parametrize("name", PNGS)
def test_pngs_over_http(service: Service, corpus: Path, name: str) -> None:
    data = (corpus / name).read_bytes()
    answer = service.convert(data)
    if GOLDEN[name] in KINDS:
        assert answer.json()["type"].endswith(GOLDEN[name])
    else:
        assert unpacked(answer.content) == unpacked(grey(data, Options()))
