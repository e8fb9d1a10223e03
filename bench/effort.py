"""`python -m bench.effort`: size and time of every effort over a photograph, a scan and a screenshot.

One thread of the pipeline that workers run, from a PNG in memory to the grey file in memory; the fastest of a
few runs, since only the work counts here.
"""

from __future__ import annotations

import io
import time
from collections.abc import Iterator

import click
from PIL import Image

from bench import mosaic, pages
from bench.tables import print_table
from shared.codecs import convert
from shared.codecs.formats import Format
from shared.codecs.limits import Limits
from shared.options import Effort, Options

_PHOTO = (0, 0, 3840, 2160)
_FORMATS = (Format.PNG, Format.TIFF, Format.WEBP)
"""Those that effort is for."""


@click.command()
@click.option("--repeats", default=3, show_default=True, type=click.IntRange(1), help="Runs of each.")
def main(repeats: int) -> None:
    """Print the table."""
    print_table(
        ["picture", "format", *(f"{e}: ms/MP" for e in Effort), *(f"{e}: bit/pixel" for e in Effort)],
        _rows(repeats),
    )


def _rows(repeats: int) -> Iterator[list[str]]:
    pictures = {
        "photograph": mosaic.mosaic().crop(_PHOTO),
        "scan": pages.scan(),
        "screenshot": pages.screenshot(),
    }
    for name, picture in pictures.items():
        for written in _FORMATS:
            found = [_measured(picture, written, effort, repeats) for effort in Effort]
            yield [name, written, *(f"{s:.0f}" for s, _ in found), *(f"{b:.2f}" for _, b in found)]


def _measured(picture: Image.Image, written: Format, effort: Effort, repeats: int) -> tuple[float, float]:
    """Milliseconds a megapixel, and bits a pixel."""
    upload = io.BytesIO()
    picture.save(upload, "PNG", compress_level=1)
    options, pixels = Options(format=written, effort=effort), picture.width * picture.height
    seconds, size = [], 0
    for _ in range(repeats):
        begin = time.perf_counter()
        size = convert.grey(upload.getbuffer(), options, Limits()).size
        seconds.append(time.perf_counter() - begin)
    return min(seconds) * 1e9 / pixels, 8 * size / pixels


if __name__ == "__main__":
    main()
