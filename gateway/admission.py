"""What the gateway takes on: so many bytes of uploads and results, so many conversions at a time.

Who finds no room waits a little, in order, and is then refused: memory stays flat under any load.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Self

from gateway.settings import GatewaySettings
from shared.codecs.formats import Format
from shared.codecs.headers import ImageHeader
from shared.problems import Overloaded

_LEAST_CONVERSIONS = 4
"""At a time, while no worker is known: they find one, are converted here, or are refused."""

_MOST_GROWTH = 16
"""A coarse JPEG of 0.15 bits a pixel makes a PNG of 2."""


class Shortage(StrEnum):
    """What there is no room for."""

    BYTES = "bytes"
    SPOOL = "spool"
    CONVERSIONS = "conversions"


class Gate:
    """Room for so much at a time. All methods belong to the event loop."""

    def __init__(
        self, limit: Callable[[], int], what: str, setting: str, refused: Callable[[], None]
    ) -> None:
        """`refused` is told of everyone who found no room."""
        self.limit = limit
        self._told = refused
        self._what = what
        self._setting = setting
        self._waiting: deque[tuple[int, int, asyncio.Future[None]]] = deque()
        self.used = 0

    async def enter(self, size: int, seconds: float, held: int = 0) -> None:
        """Take room, if need be after a wait of so many seconds; `Overloaded` if none came free.

        Who holds some already goes before all others that wait: it must get on to give it back.
        """
        if self._fits(size, held) and (held or not self._waiting):
            self.used += size
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        (self._waiting.appendleft if held else self._waiting.append)((size, held, turn))
        try:
            async with asyncio.timeout(seconds):
                await turn
        except TimeoutError:
            self._give_up(size, turn)
            raise self._refused(size) from None
        except asyncio.CancelledError:
            self._give_up(size, turn)
            raise

    def leave(self, size: int) -> None:
        """Give room back."""
        self.used -= size
        self._let_in()

    @contextlib.asynccontextmanager
    async def entered(self, size: int, seconds: float) -> AsyncGenerator[None]:
        """`enter`, then `leave`."""
        await self.enter(size, seconds)
        try:
            yield
        finally:
            self.leave(size)

    def _fits(self, size: int, held: int) -> bool:
        """Whether there is room; for one alone there always is, the limits of a request being others."""
        return self.used <= held or self.used + size <= self.limit()

    def _let_in(self) -> None:
        while self._waiting:
            size, held, turn = self._waiting[0]
            if not turn.cancelled():
                if not self._fits(size, held):
                    return
                self.used += size
                turn.set_result(None)
            self._waiting.popleft()

    def _give_up(self, size: int, turn: asyncio.Future[None]) -> None:
        if turn.cancelled():
            self._let_in()  # it may have stood in the way
        else:
            self.leave(size)  # it was let in at the very moment

    def _refused(self, size: int) -> Overloaded:
        self._told()
        return Overloaded.over(
            f"after a wait for room the number of {self._what}",
            limit=self.limit(),
            actual=self.used + size,
            setting=self._setting,
        )


class Lease:
    """The bytes one request holds, in memory and in files, from its upload to the last byte of its answer."""

    def __init__(self, memory: Gate, files: Gate, above: int, seconds: float) -> None:
        """`above`: bytes of an upload or result that memory still takes; `seconds`: to wait for room."""
        self._above = above
        self._seconds = seconds
        self._held = {memory: 0, files: 0}

    async def grow(self, *sizes: int, waited: float = 0.0) -> None:
        """Hold at least an upload and a result of these sizes, or one of them.

        `Overloaded` if they do not come free. `waited`: seconds of the wait that are over already.
        """
        for (gate, held), size in zip(self._held.items(), self._split(sizes), strict=True):
            if size > held:
                await gate.enter(size - held, self._seconds - waited, held)
                self._held[gate] = size

    def shrink(self, size: int = 0) -> None:
        """Hold at most one of this size."""
        for (gate, held), left in zip(self._held.items(), self._split((size,)), strict=True):
            if left < held:
                gate.leave(held - left)
                self._held[gate] = left

    def _split(self, sizes: Sequence[int]) -> tuple[int, int]:
        """How much of these is in memory, and how much in files."""
        small = sum(size for size in sizes if size <= self._above)
        return small, sum(sizes) - small


@dataclass(frozen=True, slots=True)
class Admission:
    """The gates of one gateway, and how long one may wait at them."""

    memory: Gate
    """For bytes of uploads and results, those still expected included."""
    files: Gate
    """For bytes in spool files."""
    under_way: Gate
    """For conversions."""
    above: int
    """Bytes of an upload or result that memory still takes."""
    seconds: float
    """To wait for room."""

    @classmethod
    def of(
        cls, settings: GatewaySettings, slots: Callable[[], int], refused: Callable[[Shortage], None]
    ) -> Self:
        """`slots`: of all workers that are ready. `refused` is told of every request that found no room."""
        memory = Gate(
            lambda: settings.max_bytes_held,
            "bytes held for requests",
            "GRISAILLE_MAX_BYTES_HELD",
            lambda: refused(Shortage.BYTES),
        )
        files = Gate(
            lambda: settings.spool_max_bytes,
            "bytes in spool files",
            "GRISAILLE_SPOOL_MAX_BYTES",
            lambda: refused(Shortage.SPOOL),
        )
        under_way = Gate(
            lambda: max(_LEAST_CONVERSIONS, settings.conversions_per_slot * slots()),
            "conversions under way",
            "GRISAILLE_CONVERSIONS_PER_SLOT",
            lambda: refused(Shortage.CONVERSIONS),
        )
        return cls(memory, files, under_way, settings.spool_bytes, settings.admission_wait_seconds)

    def patient(self, seconds: float) -> Admission:
        """The same gates for someone who may wait so long."""
        return replace(self, seconds=seconds)

    @property
    def bytes_held(self) -> int:
        """Of uploads and results in memory, those still expected included."""
        return self.memory.used

    @property
    def bytes_limit(self) -> int:
        """Most of them."""
        return self.memory.limit()

    @property
    def conversions(self) -> int:
        """Under way."""
        return self.under_way.used

    @property
    def conversions_limit(self) -> int:
        """Most of them, with the workers there are."""
        return self.under_way.limit()

    def lease(self) -> Lease:
        """Of no bytes yet."""
        return Lease(self.memory, self.files, self.above, self.seconds)

    def conversion(self, waited: float = 0.0) -> contextlib.AbstractAsyncContextManager[None]:
        """Room for one conversion; `Overloaded`, `waited` as of `Lease.grow`."""
        return self.under_way.entered(1, self.seconds - waited)


def expected_bytes(header: ImageHeader, written: Format, upload: int) -> int:
    """Most bytes a result is likely to have.

    A grey JPEG is smaller than the coloured one it comes from, and seldom has half a byte for a pixel. A
    lossless format has at most about a byte for a sample of 8 bits, and where the upload was far smaller than
    that, so will the result be: a header may claim what it likes.
    """
    if header.pixels is None:
        return 2 * upload
    if written is Format.JPEG:
        return upload if header.format is Format.JPEG else header.pixels // 2
    return min(header.pixels * header.pixel_bytes, _MOST_GROWTH * upload)
