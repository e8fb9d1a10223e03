"""Grey JPEG without loss: the luma coefficients exactly as they are, as `jpegtran -grayscale` keeps them.

AC bits are copied, only DC differences are coded anew, since every row of blocks becomes a restart
interval of its own: the layout in which stripes can be joined (`encode`). DC uses the standard table, in
which every difference has a code; AC the file's own.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import ceil

import numpy as np
from numpy.typing import NDArray

from shared.codecs.jpeg import copying, entropy
from shared.codecs.jpeg.decode import judge
from shared.codecs.jpeg.encode import luma_quantisation
from shared.codecs.jpeg.huffman import AC, DC, STANDARD
from shared.codecs.jpeg.markers import DHT, DQT, DRI, EOI, RST0, SOS
from shared.codecs.jpeg.restarts import before_fill
from shared.codecs.jpeg.scan import ScanTables, blocks_of, failure, scan_tables
from shared.codecs.jpeg.split import Cuts, segment
from shared.codecs.pages import passed
from shared.codecs.picture import BAND_BYTES
from shared.problems import MalformedImage


def _dc_steps() -> NDArray[np.uint32]:
    """Length << 24 | code and additional bits of each DC difference (F.1.2.1), from -DC_ZERO on."""
    found = np.zeros(2 * entropy.DC_ZERO + 1, np.uint32)
    codes = {category: (code, length) for category, code, length in STANDARD[DC, 0].codes()}
    for step in range(1 - entropy.DC_ZERO, entropy.DC_ZERO):
        size = step.bit_length()
        code, length = codes[size]
        value = step if step >= 0 else step + (1 << size) - 1
        found[step + entropy.DC_ZERO] = (length + size) << 24 | code << size | value
    return found


_STEPS = _dc_steps()


def encode(
    data: memoryview, where: Cuts, rows: tuple[int, int] | None, applications: bytes = b""
) -> Iterator[bytes]:
    """The luma of a plain JPEG, or its `rows` (first, a multiple of 8; count), as a JPEG file in pieces.

    `applications` are whole APPn segments. Raises `MalformedImage` or `UncleanScanError`, as decoding does.
    """
    first, count = rows or (0, where.jpeg.height)
    tables = scan_tables(where.jpeg)
    yield _header(where, tables, count, applications)
    pending, size = list[bytes](), 0
    for number, line in enumerate(_lines(data, where, tables, first // 8, ceil((first + count) / 8))):
        if number:
            pending.append(bytes((0xFF, RST0 + (number - 1) % 8)))
        pending.append(line)
        size += len(line)
        if size >= BAND_BYTES:
            yield b"".join(pending)
            pending, size = [], 0
    yield b"".join([*pending, bytes((0xFF, EOI))])


def _header(where: Cuts, tables: ScanTables, height: int, applications: bytes) -> bytes:
    jpeg = where.jpeg
    luma = jpeg.components[0].id
    quantisation = luma_quantisation(jpeg)
    if quantisation is None:
        raise MalformedImage("no quantisation table for the first component")
    frame = bytes((8,)) + height.to_bytes(2, "big") + jpeg.width.to_bytes(2, "big")
    parts = [
        b"\xff\xd8",
        applications,
        segment(DQT, quantisation),
        segment(DHT, bytes((DC << 4,)) + STANDARD[DC, 0].payload),
        segment(DHT, bytes((AC << 4,)) + tables.coding[0][1].payload),
        segment(jpeg.sof, frame + bytes((1, luma, 0x11, 0))),
        segment(DRI, ceil(jpeg.width / 8).to_bytes(2, "big")),
        segment(SOS, bytes((1, luma, 0, 0, 63, 0))),
    ]
    return b"".join(parts)


def _lines(data: memoryview, where: Cuts, tables: ScanTables, first: int, end: int) -> Iterator[bytes]:
    """Lines [first, end) of blocks, as entropy-coded data."""
    jpeg = where.jpeg
    columns, high = blocks_of(jpeg)[0]
    view = np.frombuffer(data, np.uint8)
    intervals = _intervals(data, where)
    across = ceil(jpeg.width / 8)
    mcus = jpeg.mcus_per_row * jpeg.mcu_rows
    per_interval = jpeg.restart_interval or mcus
    state = np.array([intervals[0, 0] * 8, 0, per_interval, mcus], np.int64)
    predictors = np.zeros(4, np.int64)
    lines = np.empty((high, across * copying.BLOCK_BYTES), np.uint8)
    writers = np.empty((high, 3), np.uint64)
    for top in range(0, jpeg.mcu_rows * high, high):
        kept, begin = min(end - top, high) if top + high > first else 0, int(state[0]) >> 3
        layout = np.array([jpeg.mcus_per_row, per_interval, columns, across, kept], np.int64)
        status = copying.copy_row(
            view,
            intervals,
            state,
            predictors,
            tables.dc,
            tables.ac,
            tables.skips,
            tables.blocks,
            _STEPS,
            layout,
            lines,
            writers,
        )
        if status != entropy.OK:
            judge(data, where, failure(status, min(int(state[0]), 8 * where.ecs.end)))
        passed(data, begin, int(state[0]) >> 3)
        for line in range(max(first - top, 0), kept):
            yield lines[line, : int(writers[line, 2])].tobytes()


def _intervals(data: memoryview, where: Cuts) -> NDArray[np.int64]:
    """(start, end) of each restart interval."""
    ecs = where.ecs
    found = np.empty((len(ecs.markers) + 1, 2), np.int64)
    found[0, 0], found[1:, 0] = ecs.start, ecs.markers + 2
    found[-1, 1], found[:-1, 1] = ecs.end, ecs.markers
    for filled in np.flatnonzero(ecs.filled):
        found[filled, 1] = before_fill(data, int(ecs.markers[filled]), int(found[filled, 0]))
    return found
