"""How far the files are, at a terminal."""

from __future__ import annotations

import threading
import time
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from grisaille.jobs import Job
from grisaille.progress import Display, printable

_LOOKS_A_SECOND = 4


class Bar(Display):
    """A bar on standard error: half of a file's share is its upload, the other half its result."""

    def __init__(self, sizes: dict[Job, int]) -> None:
        """`sizes`: bytes of each job's source."""
        self._sizes = sizes
        self._sent = dict.fromkeys(sizes, 0)
        self._done = 0
        self._sleeping = 0
        self._lock = threading.Lock()
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TaskProgressColumn(),
            TimeRemainingColumn(compact=True),
            console=Console(stderr=True, highlight=False, markup=False, emoji=False, soft_wrap=True),
            refresh_per_second=_LOOKS_A_SECOND,
            transient=True,
        )
        self._task = self._bar.add_task(self._words, total=2 * sum(sizes.values()) or None)

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.stop()

    @property
    def _words(self) -> str:
        again = ", asking again" if self._sleeping else ""
        return f"{self._done}/{len(self._sizes)} files{again}"

    def sent(self, job: Job, sent: int) -> None:
        """Its first half grows; from zero again if there is another try."""
        with self._lock:
            more, self._sent[job] = sent - self._sent[job], sent
            self._bar.advance(self._task, more)

    def done(self, job: Job) -> None:
        """Its second half is there at once."""
        with self._lock:
            self._done += 1
            rest = 2 * self._sizes[job] - self._sent[job]
            self._bar.update(self._task, advance=rest, description=self._words)

    def sleep(self, seconds: float) -> None:
        """Wait, and say what for."""
        self._wait(1)
        time.sleep(seconds)
        self._wait(-1)

    def _wait(self, more: int) -> None:
        with self._lock:
            self._sleeping += more
            self._bar.update(self._task, description=self._words)

    def say(self, words: str) -> None:
        """A line above the bar."""
        self._bar.console.print(printable(words))

    def conclude(self, words: str) -> None:
        """The last line."""
        self.say(words)
