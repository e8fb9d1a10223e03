"""16-bit TIFFs against libvips and tifffile: 16 bits stay 16 bits, whatever the layout."""

from __future__ import annotations

import io
from functools import cache
from typing import Any

import numpy as np
import pytest
import tifffile
from numpy.typing import NDArray
from support.images import LIMITS, grey, joined
from support.tiffs import built, by_libvips, by_tifffile, cuts_of, deep
from support.vips import decoded, differ, in_grey, right

from shared.codecs import headers
from shared.codecs.formats import Format
from shared.codecs.tiff.split import stripes
from shared.options import Luma, Options

COUNTS = (2, 3, 7)


@cache
def files() -> dict[str, bytes]:
    """Files of both byte orders, of strips, tiles and planes, with and without differences."""
    made = {}
    layouts: dict[str, dict[str, object]] = {
        "strips": {},
        "tiles": {"tile": True, "tile_width": 64, "tile_height": 48},
        "BigTIFF": {"bigtiff": True},
    }
    for channels in (1, 3, 4):
        for compression in ("none", "lzw", "deflate", "packbits"):
            for layout, save in layouts.items():
                name = f"libvips {channels} {compression} {layout}"
                made[name] = by_libvips(deep(channels), compression=compression, **save)
        for tile in (False, True):
            made[f"libvips {channels} differences {tile}"] = by_libvips(
                deep(channels), compression="deflate", predictor="horizontal", tile=tile
            )
    for order in "<>":
        for rows in (None, 7, 16):
            made[f"tifffile {order} {rows}"] = by_tifffile(
                deep(3), order, photometric="rgb", rowsperstrip=rows, compression="zlib"
            )
            made[f"tifffile planes {order} {rows}"] = by_tifffile(
                np.moveaxis(deep(3), 2, 0),
                order,
                photometric="rgb",
                planarconfig="separate",
                rowsperstrip=rows,
            )
    return made


@pytest.mark.parametrize("name", files())
def test_sixteen_bits_stay_sixteen_bits(name: str) -> None:
    for written in (Format.TIFF, Format.PNG):
        result = grey(files()[name], Options(format=written))
        assert differ(decoded(result), right(files()[name], Luma.BT601)) == 0


@pytest.mark.parametrize("luma", Luma)
@pytest.mark.parametrize("name", ["libvips 3 lzw tiles", "libvips 4 differences False", "tifffile > 7"])
def test_every_luma_is_that_of_sixteen_bits(name: str, luma: Luma) -> None:
    result = grey(files()[name], Options(format=Format.TIFF, luma=luma))
    most = 1 if luma is Luma.LINEAR else 0
    assert differ(decoded(result), right(files()[name], luma)) <= most


@pytest.mark.parametrize("name", files())
def test_every_stripe_is_a_file_of_its_own_whose_samples_are_the_pictures(name: str) -> None:
    whole = decoded(files()[name])
    for count in COUNTS:
        for stripe in stripes(memoryview(files()[name]), cuts_of(files()[name]), count):
            read = decoded(joined(stripe.pieces))
            assert np.array_equal(read, whole[stripe.first : stripe.first + stripe.rows])


@pytest.mark.parametrize(("channels", "size"), [(1, 2), (3, 2), (4, 4)])
def test_a_header_tells_the_bytes_of_a_grey_pixel(channels: int, size: int) -> None:
    for data in (by_libvips(deep(channels)), grey(by_libvips(deep(channels)), Options(format=Format.PNG))):
        assert headers.read(memoryview(data), LIMITS).pixel_bytes == size


@pytest.mark.parametrize("order", ["<", ">"])
def test_white_is_zero(order: str) -> None:
    negative = by_tifffile(deep(1)[:, :, 0], order, photometric="miniswhite", rowsperstrip=16)
    result = decoded(grey(negative, Options(format=Format.TIFF)))
    assert np.array_equal(result, 65535 - deep(1))


def with_extra(kind: int | None, samples: NDArray[Any], *, photometric: int) -> bytes:
    """An uncompressed little-endian file whose last sample is extra, of a kind (TIFF 6.0, ExtraSamples)."""
    height, width, channels = samples.shape
    bits = 8 * samples.itemsize
    tags: dict[int, tuple[int, list[int]]] = {
        256: (4, [width]),
        257: (4, [height]),
        258: (3, [bits] * channels),
        259: (3, [1]),
        262: (3, [photometric]),
        277: (3, [channels]),
        278: (4, [height]),
    }
    if kind is not None:
        tags[338] = (3, [kind])
    return built(tags, [samples.astype(f"<u{samples.itemsize}").tobytes()])


@pytest.mark.parametrize("photometric", [1, 2])
def test_extra_samples_are_alpha_where_they_say_so(photometric: int) -> None:
    colours = deep(4)[:, :, [0, 3]] if photometric == 1 else deep(4)
    result = decoded(grey(with_extra(2, colours, photometric=photometric), Options()))
    assert np.array_equal(result, in_grey(colours, Luma.BT601))
    bare = decoded(grey(with_extra(0, colours, photometric=photometric), Options()))
    assert np.array_equal(bare, in_grey(colours, Luma.BT601)[:, :, :1])


@pytest.mark.parametrize("photometric", [1, 2])
@pytest.mark.parametrize("kind", [np.uint8, np.uint16])
def test_colours_multiplied_by_alpha_are_divided_by_it(kind: type[np.uint8], photometric: int) -> None:
    peak = np.iinfo(kind).max
    plain = (deep(4) >> (0 if kind is np.uint16 else 8)).astype(kind)
    plain = plain[:, :, [0, 3]] if photometric == 1 else plain
    alpha = np.maximum(plain[:, :, -1:], peak // 4)
    colours = plain[:, :, :-1].astype(np.int64)
    stored = np.concatenate([(colours * alpha / peak).round(), alpha], axis=2).astype(kind)
    result = decoded(grey(with_extra(1, stored, photometric=photometric), Options()))
    wanted = in_grey(np.concatenate([plain[:, :, :-1], alpha], axis=2), Luma.BT601)
    assert differ(result, wanted) <= 4  # a quarter of the steps are left where alpha is a quarter


def test_our_files_are_what_tifffile_reads() -> None:
    result = grey(files()["libvips 1 none strips"], Options())
    with tifffile.TiffFile(io.BytesIO(result)) as file:
        page = file.pages[0]
        assert (page.rowsperstrip, page.predictor, page.compression) == (8, 2, 8)  # type: ignore[union-attr]
        assert np.array_equal(file.asarray(), deep(1)[:, :, 0])
