"""Pillow in a child process: a hostile file may take it down without hurting anyone else.

The two talk over pipes in frames of a length and bytes, never in pickles: what a broken decoder
sends back is read as JSON and as an image file, nothing more.
"""

from __future__ import annotations

import contextlib
import json
import os
import queue
import selectors
import struct
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import asdict
from typing import IO

from shared import options as options_module
from shared import problems
from shared.codecs.convert import Converted, grey_whole
from shared.codecs.formats import Format
from shared.codecs.limits import Limits
from shared.options import Options
from worker.slots import Cancel

_LENGTH = struct.Struct("!Q")
_POLL_SECONDS = 0.05
_COMMAND = (sys.executable, "-c", "from worker.child import main; main()")


class Children:
    """One child per slot, each replaced after so many conversions, a crash or a cancellation."""

    def __init__(self, count: int, conversions: int) -> None:
        self._idle: queue.SimpleQueue[_Child] = queue.SimpleQueue()
        self._conversions = conversions
        for _ in range(count):
            self._idle.put(_Child())

    def convert(self, data: memoryview, options: Options, limits: Limits, cancel: Cancel) -> Converted:
        """`grey_whole` in a child; raises what it raises, `DecoderCrash`, or as `cancel.check`."""
        child = self._idle.get()
        try:
            return child.convert(data, options, limits, cancel)
        except problems.Problem as problem:
            if isinstance(problem, (problems.DecoderCrash, problems.DeadlineExceeded)):
                child.kill()
            raise
        except BaseException:
            child.kill()
            raise
        finally:
            if child.conversions >= self._conversions:
                child.kill()
            self._idle.put(child)

    def close(self) -> None:
        """End all children that are idle."""
        with contextlib.suppress(queue.Empty):
            while True:
                self._idle.get_nowait().kill()


class _Child:
    """A process that is there when it is needed: started at once, and again after its end."""

    def __init__(self) -> None:
        self._start()

    def _start(self) -> None:
        self.conversions = 0
        self._process = subprocess.Popen(_COMMAND, stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def convert(self, data: memoryview, options: Options, limits: Limits, cancel: Cancel) -> Converted:
        if self._process.poll() is not None:
            self.kill()  # it died of something else: not this image's fault
            self._start()
        self.conversions += 1
        job = {"options": options_module.query(options), "limits": asdict(limits)}
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None
        assert stdout is not None
        try:
            _write_frame(stdin, json.dumps(job).encode())
            _write_frame(stdin, data)
            self._wait(stdout, cancel)
            answer = json.loads(_read_frame(stdout))
            body = _read_frame(stdout)
        except (OSError, EOFError) as exc:
            raise problems.DecoderCrash("the decoder process died on this image") from exc
        if "problem" in answer:
            raise problems.parse(json.dumps(answer["problem"]).encode()) or problems.Internal("child")
        return Converted([body], Format(answer["format"]), tuple(answer["notes"]))

    def _wait(self, stdout: IO[bytes], cancel: Cancel) -> None:
        with selectors.DefaultSelector() as selector:
            selector.register(stdout, selectors.EVENT_READ)
            while not selector.select(_POLL_SECONDS):
                cancel.check()

    def kill(self) -> None:
        """End the process; the next conversion starts another."""
        self._process.kill()
        with contextlib.suppress(OSError):  # what was not yet written goes nowhere
            self._process.communicate()


def _write_frame(stream: IO[bytes], data: bytes | memoryview) -> None:
    stream.write(_LENGTH.pack(len(data)))
    stream.write(data)
    stream.flush()


def _read_frame(stream: IO[bytes]) -> bytes:
    size = _LENGTH.unpack(_read(stream, _LENGTH.size))[0]
    return _read(stream, size)


def _read(stream: IO[bytes], size: int) -> bytes:
    data = stream.read(size)
    if len(data) < size:
        raise EOFError
    return data


def _jobs(stream: IO[bytes]) -> Iterator[tuple[dict[str, object], bytes]]:
    with contextlib.suppress(EOFError):
        while True:
            yield json.loads(_read_frame(stream)), _read_frame(stream)


def main() -> None:
    """Convert jobs from standard input until it is closed."""
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # a decoder that prints must not break a frame
    for job, data in _jobs(sys.stdin.buffer):
        answer, body = _convert(job, data)
        _write_frame(answers, json.dumps(answer).encode())
        _write_frame(answers, body)


def _convert(job: dict[str, object], data: bytes) -> tuple[dict[str, object], bytes]:
    pairs: list[tuple[str, str]] = job["options"]  # type: ignore[assignment]  # our own JSON
    limits: dict[str, int] = job["limits"]  # type: ignore[assignment]
    parsed = options_module.parse([(k, v) for k, v in pairs], options_module.WORKER_TABLE)
    try:
        converted = grey_whole(memoryview(data), parsed, Limits(**limits))
    except problems.Problem as problem:
        return {"problem": problem.document()}, b""
    body = b"".join(converted.pieces)
    return {"format": converted.format, "notes": converted.notes}, body
