"""Converting the files of a batch, a few at a time, and sending each result as soon as it is there."""

from __future__ import annotations

import asyncio
import functools
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeAlias

from gateway import names
from gateway.admission import Lease
from gateway.batch.answer import Archive, Error, Pieces
from gateway.batch.files import PIECE, BatchFile, Date
from gateway.convert import convert
from gateway.job import Result, Services
from gateway.metrics import GatewayMetrics
from gateway.timing import Stages
from shared.contract import BATCH, REQUEST_ID
from shared.options import Options
from shared.problems import EmptyBody, Internal, Member, Problem
from shared.service import body
from shared.service.frames import let_go
from shared.service.logs import event
from shared.service.spool import file_of

_LOG = logging.getLogger("grisaille.gateway")
_PER_SLOT = 2
"""Files at a time for each slot of the workers: one that is converted, one that comes or goes. Admission lets
in more (`GRISAILLE_CONVERSIONS_PER_SLOT`): others find room beside a batch."""

Send: TypeAlias = Callable[[bytes | memoryview], Awaitable[None]]
"""Sends some bytes of the answer; done when the client has room for more."""


@dataclass(slots=True)
class Counts:
    """What has become of a batch."""

    converted: int = 0
    bytes_in: int = 0
    bytes_out: int = 0
    problems: dict[int, Mapping[str, Member]] = field(default_factory=dict)
    """As documents, by the number of the file: errors would keep what led to them, with whole images."""


class Batch:
    """The files of one request on their way through the gateway."""

    def __init__(
        self,
        services: Services,
        metrics: GatewayMetrics,
        files: Sequence[BatchFile],
        options: Options,
        passed_on: Mapping[str, str],
        now: Date,
    ) -> None:
        """`now`: the date of what has none of its own."""
        # Where a request is refused, a file waits: whoever sent it has done so already.
        patient = services.admission.patient(services.settings.request_base_seconds)
        self._services = replace(services, admission=patient)
        self._metrics = metrics
        self._files = files
        self._paths: list[tuple[str, int]] = []
        self._options = options
        self._passed_on = passed_on
        self._now = now
        self._archive = Archive()
        self._reading, self._writing = asyncio.Lock(), asyncio.Lock()
        self._running = 0
        self._one_ended = asyncio.Event()
        self.counts = Counts()

    async def run(self, send: Send) -> None:
        """Send the whole archive; a slow `send` holds up the conversions too."""
        offload = self._services.offload
        self._paths = await offload(functools.partial(names.distinct, [file.name for file in self._files]))
        async with asyncio.TaskGroup() as group:
            for number in range(len(self._files)):
                while self._running >= _PER_SLOT * max(self._services.pool.slots, 1):
                    self._one_ended.clear()
                    await self._one_ended.wait()
                self._running += 1
                group.create_task(self._one(number, send))
        if self.counts.problems:
            add = functools.partial(self._archive.add_errors, self._errors(), self._now)
            await self._sent(await offload(add), send)
        await self._sent(self._archive.end(), send)

    async def _one(self, number: int, send: Send) -> None:
        """Convert a file and send its entry."""
        stages, lease = Stages(), self._services.admission.lease()
        try:
            with let_go():
                result = await self._result(number, stages, lease)
                if result is not None:
                    await self._entered(number, result, send)
                    stages.end("respond")
                    self._metrics.answered(result.plan.kind, stages, result.parts, BATCH)
        finally:
            lease.shrink()
            self._running -= 1
            self._one_ended.set()

    async def _result(self, number: int, stages: Stages, lease: Lease) -> Result | None:
        """The file in grey, or None: then the reason is among the problems."""
        try:
            with let_go():
                data = await self._read(self._files[number], lease)
                result = await convert(self._services, data, self._options, self._passed_on, stages, lease)
        except Problem as problem:
            self._failed(number, problem, stages)
            return None
        except Exception:  # noqa: BLE001 - a defect that one file brings to light is not to end the others
            _LOG.exception("internal", extra={"fields": self._told(number)})
            self._failed(number, Internal("an unexpected error; the log has it"), stages)
            return None
        lease.shrink(sum(map(len, result.pieces)))
        return result

    async def _read(self, file: BatchFile, lease: Lease) -> memoryview:
        if not file.size:
            raise EmptyBody("the file is empty")
        if file.size > self._services.settings.max_upload_bytes:
            raise body.too_large(file.size, self._services.settings.max_upload_bytes)
        await lease.grow(file.size, file.size)  # as much again for what will be made of it
        data = self._services.buffers.take(file.size)
        async with self._reading:  # one batch is not to have all threads of the gateway
            await self._services.offload(functools.partial(_read_into, data, file), file.size)
        return data

    def _failed(self, number: int, problem: Problem, stages: Stages) -> None:
        self.counts.problems[number] = problem.document()
        self._metrics.refused(problem, stages.elapsed, BATCH)
        event(_LOG, logging.DEBUG, "file", **self._told(number), outcome=problem.slug, detail=problem.detail)

    def _told(self, number: int) -> dict[str, object]:
        """Which file it is. Its name is nobody's business."""
        return {"request_id": self._passed_on.get(REQUEST_ID, ""), "file": number}

    async def _entered(self, number: int, result: Result, send: Send) -> None:
        file, size = self._files[number], sum(map(len, result.pieces))
        name = names.entry_name(*self._paths[number], result.format.extension)
        add = functools.partial(self._archive.add, name, result.pieces, file.date or self._now, number)
        async with self._writing:
            await self._sent(await self._services.offload(add, size), send)
        self._metrics.converted(result.pixels, file.size, size)
        self.counts.converted += 1
        self.counts.bytes_in += file.size
        self.counts.bytes_out += size

    async def _sent(self, pieces: Pieces, send: Send) -> None:
        for piece in pieces:
            for start in range(0, len(piece), PIECE):
                await send(memoryview(piece)[start : start + PIECE])

    def _errors(self) -> list[Error]:
        """What `errors.json` says: the name as it was sent, and the problem a single upload would get."""
        return [
            {"name": self._files[number].name, "problem": problem}
            for number, problem in sorted(self.counts.problems.items())
        ]


def _read_into(data: memoryview, file: BatchFile) -> None:
    spooled, filled = file_of(data), 0
    for piece in file.pieces():
        if spooled is not None:
            spooled.append(piece)
            continue
        data[filled : filled + len(piece)] = piece
        filled += len(piece)
