"""The upload of ``POST /batch``: many files as multipart/form-data, or one zip archive.

All of it goes to a spool file before anything is converted. Most clients read no answer before they have
sent everything, so an answer that began earlier would have to be kept somewhere, or both would wait for
each other for ever; and a client that takes its time to send holds no memory.
"""

from __future__ import annotations

import asyncio
import functools
import sys
from collections.abc import Iterator
from itertools import pairwise

from fastapi import Request

from gateway import multipart
from gateway.batch import archive
from gateway.batch.files import PIECE, BatchFile
from gateway.offload import Offload
from gateway.settings import GatewaySettings
from gateway.upload import in_time
from shared.problems import EmptyBody, UnsupportedArchive
from shared.service import body
from shared.service.spool import Spool, SpoolFile

_WHAT = "the batch in bytes"


async def receive(
    request: Request, settings: GatewaySettings, offload: Offload, spool: Spool
) -> list[BatchFile]:
    """The files of the request, in their order.

    Raises `EmptyBody`, `InvalidMultipart`, `InvalidArchive`, `Overloaded`, `SlowUpload`,
    `UnsupportedArchive`, `UnsupportedEncoding` or `UploadTooLarge`.
    """
    meter = body.Meter()
    receiving = asyncio.ensure_future(_receive(request, settings, offload, spool, meter))
    try:
        await in_time(receiving, meter, settings)
        files = receiving.result()
    finally:
        receiving.cancel()
    if not files:
        raise EmptyBody("the batch has no files")
    return files


async def _receive(
    request: Request, settings: GatewaySettings, offload: Offload, spool: Spool, meter: body.Meter
) -> list[BatchFile]:
    boundary = multipart.boundary(request.headers.get("content-type", ""))
    announced = body.announced_size(request, sys.maxsize) or 0
    archive.check_size(_WHAT, announced, settings)
    spooled = _Spooled(offload, spool.create())
    taker = _Archive(spooled) if boundary is None else _Form(spooled, boundary, settings)
    received = 0
    async for piece in request.stream():
        received += len(piece)
        archive.check_size(_WHAT, received, settings)
        taker.write(piece)
        await spooled.settle(PIECE)
        meter.grown(received)
    taker.finish()
    await spooled.settle()
    if not taker.is_archive:
        return taker.files()
    return await offload(functools.partial(archive.files, spooled.file, settings))


class _Spooled:
    """A spool file, and what is still to be written to it."""

    def __init__(self, offload: Offload, file: SpoolFile) -> None:
        self.file = file
        self.head = b""
        """Its first bytes, as many as the signature of an archive has."""
        self._offload = offload
        self._pending = bytearray()

    def __len__(self) -> int:
        return self.file.size + len(self._pending)

    def add(self, piece: bytes | memoryview) -> None:
        """Take more bytes."""
        self._pending += piece
        if len(self.head) < archive.SIGNATURE_BYTES:
            self.head += bytes(piece[: archive.SIGNATURE_BYTES - len(self.head)])

    async def settle(self, above: int = 0) -> None:
        """Write what waits, if it is more than so many bytes."""
        if len(self._pending) > above:
            await self._offload(functools.partial(self.file.append, self._pending), len(self._pending))
            self._pending = bytearray()


class _Archive:
    """A body that is an archive, or nothing we take."""

    is_archive = True

    def __init__(self, spooled: _Spooled) -> None:
        self._spooled = spooled

    def write(self, piece: bytes) -> None:
        """The next bytes."""
        self._spooled.add(piece)
        if len(self._spooled.head) == archive.SIGNATURE_BYTES:
            self._check()

    def finish(self) -> None:
        """The body is complete."""
        if not self._spooled.head:
            raise EmptyBody("the body is empty; send files with -F a=@photo.jpg, or a zip archive")
        self._check()

    def files(self) -> list[BatchFile]:
        """None that are not packed."""
        return []

    def _check(self) -> None:
        if self._spooled.head not in archive.SIGNATURES:
            raise UnsupportedArchive(
                "the body is neither multipart/form-data nor a zip archive; send a single image to /convert"
            )


class _Form:
    """A body that is a form with files; a single one may be an archive."""

    def __init__(self, spooled: _Spooled, boundary: bytes, settings: GatewaySettings) -> None:
        self._found = _Found(spooled, settings)
        form = multipart.Form(boundary, self._found, sys.maxsize)
        self.write, self.finish = form.write, form.finish
        self.files = self._found.files

    @property
    def is_archive(self) -> bool:
        """Whether its one file is an archive."""
        return self._found.is_archive


class _Found(multipart.Files):
    """The files of a form, one behind the other in a spool file."""

    def __init__(self, spooled: _Spooled, settings: GatewaySettings) -> None:
        self._spooled = spooled
        self._settings = settings
        self._begun: list[tuple[str, int]] = []

    @property
    def is_archive(self) -> bool:
        """Whether it is one, and an archive."""
        return len(self._begun) == 1 and self._spooled.head in archive.SIGNATURES

    def begin(self, filename: str | None) -> None:
        """Another file begins."""
        self._begun.append((filename or "", len(self._spooled)))
        archive.check_count(len(self._begun), self._settings)

    def add(self, piece: memoryview) -> None:
        """Its next bytes."""
        self._spooled.add(piece)

    def files(self) -> list[BatchFile]:
        """All of them."""
        file = self._spooled.file
        borders = pairwise([*(start for _, start in self._begun), file.size])
        return [
            BatchFile(name, end - start, functools.partial(_stored, file, start, end))
            for (name, _), (start, end) in zip(self._begun, borders, strict=True)
        ]


def _stored(file: SpoolFile, start: int, end: int) -> Iterator[bytes]:
    for place in range(start, end, PIECE):
        yield file.read(place, min(PIECE, end - place))
