"""What the scan, the lossless kernel, libjpeg and the whole conversion say of entropy-coded data."""

from __future__ import annotations

import time

import simplejpeg
from support.images import LIMITS, photo
from support.jpegs import OPTIMISED, WRITERS, cuts_of, header_of, stripes_of

from shared.codecs import convert
from shared.codecs.formats import Format
from shared.codecs.jpeg import decode, lossless, scan, split
from shared.options import Options
from shared.problems import MalformedImage

SLOWEST_SECONDS = 1.0
"""Of this process's own time, whatever else the machine does."""
SAMPLES = {
    name: (WRITERS | OPTIMISED)[name](photo(67, 90), 80)
    for name in ("pillow 4:2:0", "pillow 4:4:4", "simplejpeg 4:1:1", "grey", "optimised 4:2:0")
}


def scanned(data: bytes) -> str:
    """What the scan says."""
    where = cuts_of(data)
    try:
        scan.EntropyScan(memoryview(data), where.jpeg, where.ecs).border(where.jpeg.mcu_rows)
    except MalformedImage as problem:
        offset = int(str(problem.members.get("offset", where.ecs.start)))
        assert where.ecs.start <= offset <= len(data) + 1
        return "malformed"
    except scan.UncleanScanError:
        return "unclean"
    return "clean"


def kept(data: bytes) -> str:
    """What the lossless kernel says."""
    try:
        pieces = list(lossless.encode(memoryview(data), cuts_of(data), None))
    except MalformedImage:
        return "malformed"
    except scan.UncleanScanError:
        return "unclean"
    simplejpeg.decode_jpeg(b"".join(pieces), "GRAY", strict=True)
    return "clean"


def decodes(data: bytes) -> str:
    """What libjpeg says, of a header without anything that could trip it."""
    (whole,) = stripes_of(data, 1)
    try:
        simplejpeg.decode_jpeg(b"".join(whole.pieces), "GRAY", strict=True)
    except ValueError as exc:
        return "malformed" if decode.is_data_lost(str(exc)) else "unclean"
    return "clean"


def converts(data: bytes, written: Format, *, overlap: bool = False) -> str:
    """What the whole conversion says, of which a tolerant decoder has the last word."""
    try:
        convert.grey(memoryview(data), Options(format=written), LIMITS, overlap=overlap)
    except MalformedImage:
        return "malformed"
    return "clean"


def check_verdict(data: bytes) -> None:
    """The law: one verdict, quickly, whoever comes to it.

    The scan may be stricter than libjpeg, and then the file is converted whole; but what it calls
    malformed or clean must be so for all, else the number of stripes would decide.
    """
    started = time.process_time()
    try:
        if split.find_cuts(memoryview(data), header_of(data)) is None:
            return
    except MalformedImage:
        return
    by_scan, by_kernel, by_libjpeg = scanned(data), kept(data), decodes(data)
    whole = {converts(data, written) for written in (Format.PNG, Format.JPEG)}
    assert time.process_time() - started < SLOWEST_SECONDS
    assert len(whole) == 1
    if by_scan != "unclean":
        assert whole == {by_scan}
    if by_scan == "clean" or by_libjpeg == "malformed":
        assert whole == {by_libjpeg}
    if by_libjpeg == "clean":
        assert by_scan != "malformed"
    if by_kernel == "clean":
        assert by_scan == "clean"
