"""The kernels of PNG's filters against the definition, also with bounds checked and as plain Python."""

from __future__ import annotations

import os
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from support.images import Pixels
from support.pngs import filtered

from shared.codecs.png import kernels

MODE = os.environ.get("GRISAILLE_KERNEL_MODE", "")
SIZES = [(1, 1), (1, 33), (2, 15), (3, 17), (5, 16), (7, 50), (255, 2), (257, 18), (600, 3)]
"""Around the number of lanes and the length of a strip."""
if MODE == "NUMBA_DISABLE_JIT":
    SIZES = SIZES[:4]  # slow


def random(seed: int, *shape: int) -> Pixels:
    return np.random.default_rng(seed).integers(0, 256, shape, np.uint8)


def unfiltered(stream: bytes, width: int, step: int, cuts: list[int]) -> Pixels:
    """Filtered rows undone in bands that end at `cuts`."""
    stride, above = 1 + width * step, {offset: np.zeros(width, np.uint32) for offset in range(0, step, 4)}
    bands = []
    for first, end in pairwise(cuts):
        spare = random(first, kernels.SPARE)
        band = np.concatenate([np.frombuffer(stream[first * stride : end * stride], np.uint8), spare])
        parts = []
        for offset, before in above.items():
            here = min(step - offset, 4)
            part = np.empty((end - first, width, 4 if here == 3 else here), np.uint8)
            kernels.unfilter(band, before, part, step, offset)
            parts.append(part[:, :, :here])
        bands.append(np.concatenate(parts, axis=2))
    return np.concatenate(bands)


@pytest.mark.parametrize("step", [1, 2, 3, 4, 6, 8])
@pytest.mark.parametrize(("width", "height"), SIZES)
def test_filters_are_undone_in_any_mix_and_in_any_bands(width: int, height: int, step: int) -> None:
    rows = random(1, height, width, step)
    mixes = [[kind] for kind in range(5)] if width < 9 else []
    for kinds in [*mixes, list(random(width + step, height) % 5)]:
        cuts = sorted({0, height // 3, height // 2, height})
        stream = filtered(rows, kinds)
        assert np.array_equal(unfiltered(stream, width, step, [0, height]), rows), kinds
        assert np.array_equal(unfiltered(stream, width, step, cuts), rows), (kinds, cuts)


@pytest.mark.parametrize("step", [1, 2])
def test_filters_chosen_row_by_row_are_undone(step: int) -> None:
    smooth = np.cumsum(random(3, 40, 9, step) % 3, axis=1, dtype=np.uint8)
    rows = smooth.reshape(40, -1)
    out = np.empty((40, 1 + rows.shape[1]), np.uint8)
    kernels.filter_adaptive(rows, np.zeros(rows.shape[1], np.uint8), out, step, True)
    assert out[0, 0] in {kernels.NONE, kernels.SUB}
    assert np.array_equal(unfiltered(out.tobytes(), 9, step, [0, 40]), smooth)
    assert out.tobytes() == filtered(smooth, list(out[:, 0]))


@pytest.mark.skipif(bool(MODE), reason="these tests run themselves")
@pytest.mark.parametrize("mode", ["NUMBA_BOUNDSCHECK", "NUMBA_DISABLE_JIT"])
def test_kernels_keep_their_bounds_and_are_plain_python(mode: str, tmp_path: Path) -> None:
    environment = os.environ | {mode: "1", "NUMBA_CACHE_DIR": str(tmp_path), "GRISAILLE_KERNEL_MODE": mode}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", __file__]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
