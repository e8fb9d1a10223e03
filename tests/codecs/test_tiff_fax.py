"""Fax codes: what Pillow makes of them; one verdict and equal rows, however cut, where they are damaged."""

from __future__ import annotations

from random import Random
from typing import Any

import numpy as np
import pytest
import pyvips
from support.images import encoded, grey, image, opened, photo, pixels, verdict
from support.tiffs import TILES, built, by_stripes, cuts_of

from shared.codecs.formats import Format
from shared.codecs.tiff.types import LOW_BIT_FIRST, TURNED
from shared.options import Options

AS_PNG = Options(format=Format.PNG)
WIDTH, HEIGHT, ROWS = 203, 59, 16
COUNTS = (2, 4)
PICTURE = image(photo(WIDTH, HEIGHT)).convert("1")


def coded(compression: str, **save: Any) -> bytes:
    """The picture in strips of 16 rows."""
    return encoded(PICTURE, "TIFF", compression=compression, strip_size=-(-WIDTH // 8) * ROWS, **save)


def again(data: bytes, strips: list[bytes] | None = None, **changed: int) -> bytes:
    """A file of the same picture with other strips, or entries with other numbers (`t266=2`)."""
    tiff = cuts_of(data).tiff
    tags = {256: WIDTH, 257: HEIGHT, 258: 1, 259: tiff.compression, 262: 1, 277: 1, 278: ROWS}
    tags[292] = tiff.directory.number(292, 0)
    tags |= {int(tag[1:]): number for tag, number in changed.items()}
    return built({tag: (4, [number]) for tag, number in tags.items()}, strips or strips_of(data))


def strips_of(data: bytes) -> list[bytes]:
    where = cuts_of(data)
    spans = zip(where.offsets.ravel(), where.sizes.ravel(), strict=True)
    return [data[int(start) : int(start + size)] for start, size in spans]


KINDS: dict[str, dict[str, Any]] = {
    "rows": {"compression": "tiff_ccitt"},
    "group 3": {"compression": "group3"},
    "group 3, two dimensions": {"compression": "group3", "tiffinfo": {292: 1}},
    "group 3, on bytes": {"compression": "group3", "tiffinfo": {292: 4}},
    "group 4": {"compression": "group4"},
}


@pytest.mark.parametrize("name", KINDS)
def test_whole_codes_are_what_pillow_makes_of_them(name: str) -> None:
    data = coded(**KINDS[name])
    turned = again(data, [strip.translate(TURNED) for strip in strips_of(data)], t266=LOW_BIT_FIRST)
    negative = again(data, t262=0)
    wanted = np.asarray(PICTURE.convert("L"))
    for file, expected in ((data, wanted), (turned, wanted), (negative, 255 - wanted)):
        assert np.array_equal(np.asarray(opened(file).convert("L")), expected)
        assert np.array_equal(pixels(grey(file, AS_PNG)), expected)
        for count in COUNTS:
            assert np.array_equal(by_stripes(file, count, AS_PNG), expected)


def test_tiles_of_codes_are_read_too() -> None:
    made = pyvips.Image.new_from_array(np.asarray(PICTURE.convert("L")))
    data = made.tiffsave_buffer(compression="ccittfax4", bitdepth=1, **TILES)
    assert cuts_of(data).tiff.is_tiled
    assert np.array_equal(pixels(grey(data, AS_PNG)), np.asarray(opened(data).convert("L")))


def mutated(data: bytes, seed: int) -> bytes:
    """A strip with a bit flipped, cut short, or with zeros for its end."""
    random, strips = Random(seed), strips_of(data)
    number = random.randrange(len(strips))
    strip = bytearray(strips[number])
    place = random.randrange(len(strip))
    match seed % 3:
        case 0:
            strip[place] ^= 1 << random.randrange(8)
        case 1:
            del strip[max(place, 1) :]
        case 2:
            strip[place:] = bytes(len(strip) - place)
    strips[number] = bytes(strip)
    return again(data, strips)


@pytest.mark.parametrize("name", KINDS)
def test_damage_has_one_verdict_and_equal_rows_however_the_picture_is_cut(name: str) -> None:
    data = coded(**KINDS[name])
    for seed in range(24):
        damaged = mutated(data, seed)
        whole = by_stripes(damaged, 1, AS_PNG)
        for count in COUNTS:
            assert np.array_equal(by_stripes(damaged, count, AS_PNG), whole), (seed, count)


def test_codes_that_end_early_are_refused() -> None:
    data = coded("group4")
    for number, strip in enumerate(strips_of(data)):
        strips = strips_of(data)
        strips[number] = strip[: len(strip) // 2]
        assert verdict(lambda file: grey(file, AS_PNG), again(data, strips)) == 422


def test_codes_without_their_sizes_are_refused() -> None:
    data = bytearray(again(coded("group4")))
    data[data.index(b"\x17\x01\x04\0")] = 0  # the entry 279, LONG
    assert verdict(lambda file: grey(file, AS_PNG), bytes(data)) == 422
