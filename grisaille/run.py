"""Many conversions at once: each in a thread, outcomes as they come, and an end at any moment."""

from __future__ import annotations

import contextlib
import queue
import threading
import time
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from grisaille.answer import Converted
from grisaille.client import Progress
from grisaille.errors import GrisailleError, Unreachable
from grisaille.jobs import Job

_LEAVE_SECONDS = 2.0
"""A thread that waits for an answer has no file open: the process may end without it."""

Convert: TypeAlias = Callable[[Job, Progress], Converted]


class _StoppedError(Exception):
    """Nobody wants the result any more."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a job."""

    job: Job
    seconds: float = 0.0
    converted: Converted | None = None
    """None: it failed, or was not done because its result is already there."""
    error: GrisailleError | OSError | None = None


class Runner:
    """Runs jobs, so many at a time."""

    def __init__(self, convert: Convert, at_once: int, watch: Callable[[Job, int], None]) -> None:
        """`watch` is told, in the threads, how many bytes of a job's source were sent."""
        self._convert = convert
        self._at_once = at_once
        self._watch = watch
        self._waiting: queue.SimpleQueue[Job] = queue.SimpleQueue()
        self._outcomes: queue.SimpleQueue[Outcome | BaseException] = queue.SimpleQueue()
        self._stopped = threading.Event()
        self._lost: Unreachable | None = None

    def run(self, jobs: Sequence[Job]) -> Generator[Outcome]:
        """Outcomes in the order in which they come; closing the iterator stops what is under way."""
        for job in jobs:
            self._waiting.put(job)
        # Daemons: one that waits for the service must not keep Ctrl-C from ending the process.
        threads = [threading.Thread(target=self._work, daemon=True) for _ in range(self._at_once)]
        for thread in threads:
            thread.start()
        try:
            for _ in jobs:
                outcome = self._outcomes.get()
                if isinstance(outcome, BaseException):
                    raise outcome
                yield outcome
        finally:
            self._stopped.set()
            end = time.monotonic() + _LEAVE_SECONDS
            for thread in threads:
                thread.join(max(end - time.monotonic(), 0))

    def _work(self) -> None:
        with contextlib.suppress(queue.Empty, _StoppedError):
            while not self._stopped.is_set():
                self._outcomes.put(self._outcome(self._waiting.get_nowait()))

    def _outcome(self, job: Job) -> Outcome | BaseException:
        def progress(sent: int, _received: int) -> None:
            if self._stopped.is_set():
                raise _StoppedError
            self._watch(job, sent)

        if self._lost is not None:  # it was not there for all the time we go on asking
            return Outcome(job, error=self._lost)
        begin = time.monotonic()
        try:
            converted = self._convert(job, progress)
        except BrokenPipeError as gone:  # who reads our output has left
            return gone
        except (GrisailleError, OSError) as error:
            self._lost = error if isinstance(error, Unreachable) else self._lost
            return Outcome(job, time.monotonic() - begin, error=error)
        except _StoppedError:
            raise
        except BaseException as defect:  # noqa: BLE001 - raised again where the outcomes are taken
            return defect
        return Outcome(job, time.monotonic() - begin, converted)
