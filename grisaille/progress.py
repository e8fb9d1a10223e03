"""What a person at a terminal sees while files are converted; elsewhere only what went wrong is said."""

from __future__ import annotations

import sys
import threading
import time
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from grisaille.jobs import Job

_LOOKS_A_SECOND = 4


class Display:
    """A bar on standard error: half of a file's share is its upload, the other half its result."""

    def __init__(self, sizes: dict[Job, int]) -> None:
        """`sizes`: bytes of each job's source."""
        console = Console(stderr=True, highlight=False, markup=False, soft_wrap=True)
        self._sizes = sizes
        self._sent = dict.fromkeys(sizes, 0)
        self._done = 0
        self._sleeping = 0
        self._lock = threading.Lock()
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TaskProgressColumn(),
            TimeRemainingColumn(),
            console=console,
            refresh_per_second=_LOOKS_A_SECOND,
            transient=True,
            disable=not console.is_terminal,
        )
        self._task = self._bar.add_task(self._words, total=2 * sum(sizes.values()))

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.stop()

    @property
    def _words(self) -> str:
        waiting = " (waiting for the service)" if self._sleeping else ""
        return f"{self._done}/{len(self._sizes)} files{waiting}"

    def sent(self, job: Job, sent: int) -> None:
        """So many bytes of this job's source are on their way."""
        if self._bar.disable or sent == self._sent[job]:
            return
        with self._lock:
            more, self._sent[job] = sent - self._sent[job], sent
            self._bar.advance(self._task, more)

    def done(self, job: Job) -> None:
        """The job is over."""
        with self._lock:
            self._done += 1
            rest = 2 * self._sizes[job] - self._sent[job]
            self._bar.update(self._task, advance=rest, description=self._words)

    def sleep(self, seconds: float) -> None:
        """Wait before another try, and say so."""
        self._wait(1)
        time.sleep(seconds)
        self._wait(-1)

    def _wait(self, more: int) -> None:
        with self._lock:
            self._sleeping += more
            self._bar.update(self._task, description=self._words)

    def say(self, words: str) -> None:
        """A line on standard error, above the bar."""
        self._bar.console.print(words)

    def conclude(self, words: str) -> None:
        """A line at the end, for a person."""
        if sys.stderr.isatty():
            self._bar.console.print(words)
