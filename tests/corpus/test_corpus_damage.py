"""The corpus cut short and with bits flipped: a picture or a 4xx, quickly, however it is cut."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.damage import chunk_borders, flipped, marker_borders, verdict
from support.service import Service

GOLDEN = (Path(__file__).parent / "golden.txt").read_text().split()[::2]
JPEGS = [name for name in GOLDEN if name.startswith("jpeg/")]
PNGS = [name for name in GOLDEN if name.endswith(".png")]
FLIPS = range(5)
MOST_BORDERS = 24
COUNTS = (1, 7)
"""Of stripes: whole, and more than there are workers. Other counts are for the damage in tests/http."""


@pytest.mark.parametrize("name", JPEGS)
def test_jpegs(service: Service, corpus: Path, name: str) -> None:
    data = (corpus / name).read_bytes()
    borders = marker_borders(data)
    for border in borders[:: max(len(borders) // MOST_BORDERS, 1)]:
        verdict(service, data[:border], COUNTS)
    for seed in FLIPS:
        as_png = verdict(service, flipped(data, seed), COUNTS)
        assert verdict(service, flipped(data, seed), COUNTS, format="jpeg", metadata="strip") == as_png


@pytest.mark.parametrize("name", PNGS)
def test_pngs(service: Service, corpus: Path, name: str) -> None:
    data = (corpus / name).read_bytes()
    for border in chunk_borders(data):
        assert verdict(service, data[:border], (1,)) in {400, 415, 422}
    for seed in FLIPS:
        verdict(service, flipped(data, seed), (1,))
