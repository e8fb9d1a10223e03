"""Pillow in a child process: a hostile file may take it down without hurting anyone else.

Children are forked off a process that has loaded everything they need (multiprocessing's fork server), so
that a new one is there in milliseconds. Worker and child talk in frames of bytes, never in pickles: what a
broken decoder sends back is read as JSON and as an image file, nothing more.
"""

from __future__ import annotations

import contextlib
import json
import multiprocessing
import os
import queue
import signal
import sys
import warnings
from dataclasses import asdict
from multiprocessing.connection import Connection

from shared import options as options_module
from shared import problems
from shared.codecs.convert import Converted, grey_whole
from shared.codecs.formats import Format
from shared.codecs.limits import Limits
from shared.options import Options
from worker.slots import Cancel

_POLL_SECONDS = 0.05
_CONTEXT = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload([__name__])


class Children:
    """One child per slot, each replaced after so many conversions, a crash or a cancellation."""

    def __init__(self, count: int, conversions: int) -> None:
        self._idle: queue.SimpleQueue[_Child] = queue.SimpleQueue()
        self._count = count
        self._conversions = conversions

    def start(self) -> None:
        """Start them all; returns when they are there, about a second later."""
        for _ in range(self._count):
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
        self._pipe, theirs = _CONTEXT.Pipe()
        with theirs:
            self._process = _CONTEXT.Process(target=_serve, args=(theirs,), daemon=True)
            self._process.start()

    def convert(self, data: memoryview, options: Options, limits: Limits, cancel: Cancel) -> Converted:
        if not self._process.is_alive():
            self.kill()  # it died of something else: not this image's fault
            self._start()
        self.conversions += 1
        job = {"options": options_module.query(options), "limits": asdict(limits)}
        try:
            self._pipe.send_bytes(json.dumps(job).encode())
            self._pipe.send_bytes(data)
            while not self._pipe.poll(_POLL_SECONDS):
                cancel.check()
            answer = json.loads(self._pipe.recv_bytes())
            body = self._pipe.recv_bytes()
        except (OSError, EOFError) as exc:
            raise problems.DecoderCrash("the decoder process died on this image") from exc
        if "problem" in answer:
            raise problems.parse(json.dumps(answer["problem"]).encode()) or problems.Internal("child")
        return Converted([body], Format(answer["format"]), tuple(answer["notes"]))

    def kill(self) -> None:
        """End the process; the next conversion starts another."""
        self._process.kill()
        self._process.join()
        self._pipe.close()


def _serve(pipe: Connection) -> None:
    """Convert jobs until the pipe is closed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the worker's to handle
    _hush()
    with contextlib.suppress(EOFError, ConnectionError):
        while True:
            answer, body = _convert(json.loads(pipe.recv_bytes()), pipe.recv_bytes())
            pipe.send_bytes(json.dumps(answer).encode())
            pipe.send_bytes(body)


def _hush() -> None:
    """Keep what decoders say of a damaged file out of the log: libtiff has a line for each row of a fax."""
    warnings.simplefilter("ignore")
    sys.stderr = os.fdopen(os.dup(2), "w")  # for errors of ours
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    os.close(nowhere)


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
