"""Stripes that fail: the image's other parts end before anything else is done about it."""

from __future__ import annotations

import asyncio
import gc
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import Any, cast

import pytest
from support.images import jpeg, photo

from gateway.job import Scans, Services, job_of
from gateway.offload import Offload
from gateway.settings import GatewaySettings
from gateway.stripes import by_stripes
from gateway.timing import Stages
from shared.options import Options
from shared.plan import Kind, Plan
from shared.problems import MalformedImage

PICTURE = memoryview(jpeg(photo(64, 256), restart_marker_rows=1))


class Fanout:
    """Two parts fail at the same moment; what else is under way takes its time to end."""

    def __init__(self) -> None:
        self.running = 0
        self._both = asyncio.Barrier(2)

    async def deliver(self, *_: object) -> Any:
        self.running += 1
        try:
            await self._both.wait()
            raise MalformedImage("this stripe does not decode")
        finally:
            await asyncio.sleep(0)
            self.running -= 1


@pytest.mark.parametrize("slots", [1, 8])
def test_parts_that_fail_together_are_one_error_and_leave_nothing_behind(slots: int) -> None:
    unheard: list[dict[str, Any]] = []

    async def run() -> int:
        asyncio.get_running_loop().set_exception_handler(lambda _, told: unheard.append(told))
        fanout = Fanout()
        services = cast(
            "Services",
            SimpleNamespace(
                settings=GatewaySettings(),
                pool=SimpleNamespace(free_slots=slots),
                fanout=fanout,
                offload=Offload(ThreadPoolExecutor(1)),
                scans=Scans(),
            ),
        )
        job = await job_of(services, PICTURE, Options(), {})
        with pytest.raises(MalformedImage):
            await by_stripes(services, job, Plan(Kind.STRIPES, 7, "asked"), Stages())
        return fanout.running

    assert asyncio.run(run()) == 0
    gc.collect()
    assert not unheard
