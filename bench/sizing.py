"""`python -m bench.sizing`: memory and CPU time of one conversion, for each kind of file, per megapixel.

Linux only: reads /proc. Each conversion has a process of its own, as it has in a worker where Pillow decodes;
what that process takes before it is not counted. For the sizing table of docs/operations.md.
"""

from __future__ import annotations

import io
import multiprocessing
import os
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.queues import SimpleQueue
from pathlib import Path

import click
from PIL import Image

from bench import mosaic
from bench.processes import memory
from bench.tables import print_table
from shared.codecs import convert
from shared.codecs.formats import Format
from shared.codecs.limits import Limits
from shared.options import Options


@dataclass(frozen=True)
class Kind:
    """One kind of file and what to make of it."""

    name: str
    save: Callable[[Image.Image], bytes]
    written: Format | None = None


def _saved(kind: str, mode: str = "RGB", **options: object) -> Callable[[Image.Image], bytes]:
    def save(picture: Image.Image) -> bytes:
        out = io.BytesIO()
        picture.convert(mode).save(out, kind, **options)
        return out.getvalue()

    return save


KINDS = [
    Kind("JPEG to JPEG", _saved("JPEG", quality=92)),
    Kind("JPEG to PNG", _saved("JPEG", quality=92), Format.PNG),
    Kind("PNG to PNG", _saved("PNG", compress_level=1)),
    Kind("PNG to JPEG", _saved("PNG", compress_level=1), Format.JPEG),
    Kind("progressive JPEG 4:2:0", _saved("JPEG", quality=92, progressive=True)),
    Kind("progressive JPEG 4:4:4", _saved("JPEG", quality=92, progressive=True, subsampling=0)),
    Kind("CMYK JPEG", _saved("JPEG", "CMYK", quality=92)),
    Kind("TIFF, LZW", _saved("TIFF", compression="tiff_lzw")),
    Kind("WebP", _saved("WEBP", quality=75, method=4)),
]

_SMALL = _saved("PNG")(Image.new("RGB", (64, 64)))


def _measure(data: bytes, written: Format | None, results: SimpleQueue[tuple[int, int, float]]) -> None:
    pid = os.getpid()
    convert.grey(memoryview(_SMALL), Options(), Limits())  # what the first conversion loads
    before = memory(pid, "VmRSS")
    Path("/proc/self/clear_refs").write_text("5")  # the peak counts from here
    begin = time.process_time()
    size = convert.grey(memoryview(data), Options(format=written), Limits()).size
    results.put((memory(pid, "VmHWM") - before, size, time.process_time() - begin))


def measured(data: bytes, written: Format | None) -> tuple[int, int, float]:
    """Bytes at the peak beyond those before, bytes of the result, and CPU seconds."""
    context = multiprocessing.get_context("spawn")
    results = context.SimpleQueue()
    process = context.Process(target=_measure, args=(data, written, results))
    process.start()
    result: tuple[int, int, float] = results.get()
    process.join()
    return result


@click.command()
def main() -> None:
    """Convert the mosaic once as every kind of file and print the table."""
    if sys.platform != "linux":
        raise click.ClickException("this measurement reads /proc, which only Linux has")
    picture = mosaic.mosaic()
    pixels = picture.width * picture.height
    rows = []
    for kind in KINDS:
        data = kind.save(picture)
        peak, result, seconds = measured(data, kind.written)
        rows.append(
            (
                kind.name,
                f"{peak / pixels:.1f}",
                f"{(peak - result) / pixels:.1f}",
                f"{seconds * 1e9 / pixels:.0f}",
            )
        )
    print(f"{pixels / 1e6:.0f} megapixels; bytes a pixel, nanoseconds a pixel (= ms a megapixel)")
    print_table(("file", "memory", "of it, without the result", "CPU"), rows)


if __name__ == "__main__":
    main()
