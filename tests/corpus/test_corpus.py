"""Every image made by others: the right picture, or the problem that `golden.txt` names.

Right is what Pillow makes of the file: its ``draft("L")`` for bt601, its ``convert("L")`` for
bt601-rgb. The same for every number of stripes and of workers, distributed and in-process.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import pyvips
from support.images import Pixels, converted, grey, luma_plane, opened, pixels, unpacked
from support.service import Service, plan

from shared.codecs.formats import Format
from shared.codecs.jpeg import markers, split
from shared.options import Luma, Options
from shared.problems import KINDS

GOLDEN = dict(line.split() for line in (Path(__file__).parent / "golden.txt").read_text().splitlines())
JPEGS = [name for name in GOLDEN if not name.endswith(".png")]
PNGS = [name for name in GOLDEN if name.endswith(".png")]
STRIPES = (1, 2, 3, 7, 16)
MANY_STRIPES = (*STRIPES, 32)
SMALL_BYTES = 1 << 20
"""So small a file is cheap to convert once more."""


def right(data: bytes, luma: Luma) -> Pixels:
    """What the grey PNG must decode to."""
    is_luma_plane = data[:2] == b"\xff\xd8" and luma is Luma.BT601
    return luma_plane(data) if is_luma_plane else converted(data)


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


@pytest.mark.parametrize("luma", Luma)
@pytest.mark.parametrize("name", GOLDEN)
def test_in_process(corpus: Path, name: str, luma: Luma) -> None:
    data = (corpus / name).read_bytes()
    options = Options(format=Format.PNG, luma=luma)
    if GOLDEN[name] in KINDS:
        with pytest.raises(KINDS[GOLDEN[name]]):
            grey(data, options)
        return
    result = opened(grey(data, options))
    if GOLDEN[name] == "right":
        assert np.array_equal(np.asarray(result), right(data, luma))
    elif GOLDEN[name] == "vips":  # Pillow overlooks its transparency
        assert np.array_equal(np.asarray(result), pyvips.Image.new_from_buffer(data, "").numpy())
    else:
        assert GOLDEN[name] == "narrowed"
        assert np.array_equal(np.asarray(result), narrowed(data))


def narrowed(data: bytes) -> Pixels:
    """16-bit grey by the formula of the contract; Pillow itself would clip it to white."""
    wide = pixels(data).astype(np.uint32)
    return ((wide * 255 + 32767) // 65535).astype(np.uint8)


@pytest.mark.parametrize("luma", Luma)
@pytest.mark.parametrize("name", JPEGS)
def test_jpegs_by_stripes(service: Service, corpus: Path, name: str, luma: Luma) -> None:
    data = (corpus / name).read_bytes()
    for asked in MANY_STRIPES if len(data) < SMALL_BYTES else STRIPES:
        answer = service.convert(data, format="png", luma=luma, stripes=asked)
        if GOLDEN[name] in KINDS:
            assert answer.json()["type"].endswith(GOLDEN[name])
            continue
        assert np.array_equal(pixels(answer.content), right(data, luma))
        wanted = obtainable(data, asked)
        assert plan(answer) in {wanted, ("whole", 1)}
        # Whole though it can be cut only where the strict decoder of a stripe balked.
        assert plan(answer) == wanted or "reason=stripe-refused" in answer.headers["X-Grisaille-Plan"]


@pytest.mark.parametrize("luma", Luma)
@pytest.mark.parametrize("name", [name for name in JPEGS if name.startswith("photos/")])
def test_photographs_on_one_worker(lone_worker_service: Service, corpus: Path, name: str, luma: Luma) -> None:
    data = (corpus / name).read_bytes()
    for asked in STRIPES:
        answer = lone_worker_service.convert(data, format="png", luma=luma, stripes=asked)
        assert np.array_equal(pixels(answer.content), right(data, luma))
        assert plan(answer) == obtainable(data, asked)


@pytest.mark.parametrize("name", JPEGS)
def test_as_jpeg_the_bytes_are_the_same_for_every_number_of_stripes(
    service: Service, corpus: Path, name: str
) -> None:
    data = (corpus / name).read_bytes()
    for asked in MANY_STRIPES:
        answer = service.convert(data, stripes=asked, format="jpeg")
        if GOLDEN[name] in KINDS:
            assert answer.json()["type"].endswith(GOLDEN[name])
            continue
        assert plan(answer) == obtainable(data, asked)
        assert answer.content == grey(data, Options(format=Format.JPEG))
        assert ("X-Grisaille-Note" in answer.headers) == (plan(answer)[0] == "whole" and not is_plain(data))


@pytest.mark.parametrize("name", PNGS)
def test_pngs_over_http(service: Service, corpus: Path, name: str) -> None:
    data = (corpus / name).read_bytes()
    answer = service.convert(data)
    if GOLDEN[name] in KINDS:
        assert answer.json()["type"].endswith(GOLDEN[name])
    else:
        assert unpacked(answer.content) == unpacked(grey(data, Options()))
