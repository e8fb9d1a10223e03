"""Grey TIFF stripes joined without decoding: what others read in the result, and what is refused."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.images import Pixels, grey, image, joined, jpeg, opened, photo, png
from support.tiffs import built
from support.vips import decoded

from shared.codecs.formats import Format
from shared.codecs.tiff import layout, merge
from shared.codecs.tiff.header import parse
from shared.codecs.tiff.types import LONG8
from shared.options import Effort, Options
from shared.problems import MalformedImage

AS_PART = Options(format=Format.TIFF, part=True)


def part(pixels: Pixels, effort: Effort = Effort.FAST) -> merge.TiffPart:
    """A stripe as a worker makes it."""
    file = grey(png(pixels), replace(AS_PART, effort=effort))
    return merge.part(memoryview(file), pixels.shape[1], pixels.shape[0])


@given(
    width=st.integers(1, 40),
    heights=st.lists(st.integers(1, 5), min_size=1, max_size=5),
    last=st.integers(1, 20),
    channels=st.sampled_from([1, 3, 4]),
)
def test_joined_stripes_are_the_file_of_the_whole(
    width: int, heights: list[int], last: int, channels: int
) -> None:
    rows = [8 * height for height in heights] + [last]
    picture = photo(width, sum(rows), channels)
    tops = np.cumsum([0, *rows])
    parts = [part(picture[top : top + count]) for top, count in zip(tops, rows, strict=False)]
    merged = joined(merge.merge(parts, layout.Fields()))
    whole = grey(png(picture), AS_PART)
    assert np.array_equal(decoded(merged), decoded(whole))
    assert np.array_equal(np.asarray(opened(merged)), np.asarray(opened(whole)))
    assert len(merged) == len(whole)


@pytest.mark.parametrize("effort", Effort)
@pytest.mark.parametrize("channels", [3, 4])
def test_tiffinfo_has_nothing_to_say_about_a_result(channels: int, effort: Effort, tmp_path: Path) -> None:
    picture = photo(203, 171, channels)
    path = tmp_path / "merged.tif"
    path.write_bytes(
        joined(merge.merge([part(picture[:96], effort), part(picture[96:], effort)], layout.Fields()))
    )
    read = subprocess.run(["tiffinfo", "-D", str(path)], capture_output=True, text=True, check=True)
    assert "Image Width: 203 Image Length: 171" in read.stdout
    assert "Compression Scheme: AdobeDeflate" in read.stdout
    assert read.stderr == ""


def test_four_gigabytes_of_strips_become_a_bigtiff() -> None:
    shape = layout.Shape(60_000, 80_000, 1)
    head = layout.head(shape, np.full(10_000, 480_000), layout.Fields())
    assert head[:4] == b"II+\0"
    tiff = parse(memoryview(head))
    offsets = tiff.directory.numbers(273)
    assert tiff.directory.entries[273].kind == LONG8
    assert (offsets[0], offsets[-1]) == (len(head), len(head) + 9_999 * 480_000)


def test_what_is_no_stripe_of_ours_is_refused() -> None:
    picture = photo(64, 64)
    good = memoryview(grey(png(picture), AS_PART))
    for width, rows in ((63, 64), (64, 56)):
        with pytest.raises(MalformedImage):
            merge.part(good, width, rows)
    tags: dict[int, tuple[int, list[int]]] = {256: (4, [64]), 257: (4, [64]), 258: (3, [8]), 262: (3, [1])}
    for file in (
        good[:-1],
        memoryview(built(tags, [bytes(4096)])),
        memoryview(grey(jpeg(picture), Options())),
    ):
        with pytest.raises(MalformedImage):
            merge.part(file, 64, 64)


def test_stripes_that_do_not_fit_together_are_refused() -> None:
    colour, alpha = part(photo(64, 16)), part(photo(64, 16, 4))
    with pytest.raises(MalformedImage, match="kinds"):
        merge.merge([colour, alpha], layout.Fields())
    with pytest.raises(MalformedImage, match="whole number"):
        merge.merge([part(photo(64, 12)), colour], layout.Fields())


def test_effort_changes_size_and_no_pixel() -> None:
    results = [grey(png(photo(600, 400)), replace(AS_PART, effort=effort)) for effort in Effort]
    sizes = [len(result) for result in results]
    assert sizes[2] < min(sizes[:2])
    assert all(np.array_equal(decoded(result), decoded(results[0])) for result in results)
    assert np.array_equal(decoded(results[0])[:, :, 0], np.asarray(image(photo(600, 400)).convert("L")))
