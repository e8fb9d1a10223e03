"""One HTTP try of one part on one worker: what was sent, what came back, and which of four ways it failed."""

from __future__ import annotations

import asyncio
import contextlib
import re
import time
from collections.abc import AsyncIterator, Callable, Generator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar

import httpx

from gateway.fanout.transport import NEW_CONNECTION, SENT_AT, SPOOLED
from shared import options as options_module
from shared import problems
from shared.contract import CONTRACT, CONTRACTS, CONVERT, DEADLINE_MS, LOAD, NOTE
from shared.options import Options
from shared.service.spool import SPOOL_DIR

Load = tuple[int, int, int]
_LOAD = re.compile(r"([0-9]{1,9})/([0-9]{1,9})/([0-9]{1,9})")


class AttemptOutcome(StrEnum):
    """How a try ended."""

    OK = "ok"
    NOT_SENT = "not-sent"
    NO_ANSWER = "no-answer"
    CUT = "cut"
    TIMED_OUT = "timed-out"
    BAD_ANSWER = "bad-answer"
    BUSY = "busy"
    FULL = "full"
    """The worker's disk is."""
    JUDGED = "judged"
    """The worker said that the image is at fault."""
    CANCELLED = "cancelled"
    """Another attempt was faster, another part failed, or the client went away."""


class AttemptError(Exception):
    """A try that brought no answer; the part may be tried elsewhere. Never raised itself."""

    outcome: ClassVar[AttemptOutcome]


class NotSentError(AttemptError):
    """The worker refused the connection."""

    outcome = AttemptOutcome.NOT_SENT


class SentNoAnswerError(AttemptError):
    """The connection ended before a status line: the worker may have died of this part."""

    outcome = AttemptOutcome.NO_ANSWER


class CutAnswerError(AttemptError):
    """The answer ended early."""

    outcome = AttemptOutcome.CUT


class TimedOutError(AttemptError):
    """The attempt's deadline passed."""

    outcome = AttemptOutcome.TIMED_OUT


class BadAnswerError(AttemptError):
    """An answer that is no answer: wrong contract, 5xx, or not the stripe that was asked for."""

    outcome = AttemptOutcome.BAD_ANSWER


class BusyError(AttemptError):
    """A polite 503, with a load: the worker lives, and its queue is full."""

    outcome = AttemptOutcome.BUSY


class FullError(AttemptError):
    """A polite 503 because of a full disk: that of another worker may have room."""

    outcome = AttemptOutcome.FULL

    def __init__(self, problem: problems.Problem) -> None:
        super().__init__(problem.detail)
        self.problem = problem


@dataclass(frozen=True, slots=True)
class Answer:
    """A worker's 200. Times are of the caller's monotonic clock."""

    body: memoryview
    notes: tuple[str, ...]
    sent: float
    """When the request was handed to the network."""
    answered: float
    """When the status line came."""
    ended: float


@dataclass(frozen=True, slots=True)
class Request:
    """What one part asks of a worker."""

    pieces: Sequence[bytes | memoryview]
    options: Options
    headers: Mapping[str, str]
    spooled: bool = False
    """Whether its answer goes to a spool file whatever its size: there are many of them."""


class _Body(httpx.AsyncByteStream):
    """Buffers sent as they are; may be read again for another attempt."""

    def __init__(self, pieces: Sequence[bytes | memoryview]) -> None:
        self._pieces = pieces

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for piece in self._pieces:
            yield piece  # type: ignore[misc]  # the transport writes any buffer

    async def aclose(self) -> None:
        """Let go of the buffers: the client's own objects keep each other, and this, alive for a while."""
        self._pieces = ()


@contextlib.contextmanager
def _translated(seconds: float) -> Generator[None]:
    """The transport's errors as one of the four failures."""
    try:
        yield
    except TimeoutError as exc:
        raise TimedOutError(f"no answer within {seconds:.1f} s") from exc
    except httpx.ConnectError as exc:
        raise NotSentError(str(exc)) from exc
    except httpx.ReadError as exc:
        raise CutAnswerError(str(exc)) from exc
    except httpx.TransportError as exc:
        raise SentNoAnswerError(str(exc)) from exc


async def attempt(
    transport: httpx.AsyncBaseTransport,
    url: str,
    request: Request,
    seconds: float,
    heard: Callable[[Load], None],
    *,
    new_connection: bool = False,
) -> Answer:
    """Try once, for at most `seconds`; `heard` gets the worker's load as soon as the answer's head is there.

    On a `new_connection` a `SentNoAnswerError` says something about this part; on a used one the worker may
    have died before.
    Raises an `AttemptError`; or the worker's own `Problem` where it judged the image (415, 422).
    """
    headers = {
        **request.headers,
        "Content-Length": str(sum(map(len, request.pieces))),
        "Content-Type": "application/octet-stream",
        CONTRACT: CONTRACTS[0],
        DEADLINE_MS: str(int(seconds * 1000)),
    }
    target = httpx.URL(url + CONVERT, params=options_module.query(request.options))
    with _translated(seconds):
        async with asyncio.timeout(seconds), contextlib.aclosing(_Body(request.pieces)) as body:
            extensions = {NEW_CONNECTION: new_connection, SPOOLED: request.spooled}
            sent = httpx.Request("POST", target, headers=headers, stream=body, extensions=extensions)
            answer = await transport.handle_async_request(sent)
            async with contextlib.aclosing(answer):
                return await _answer(answer, heard)


async def _answer(answer: httpx.Response, heard: Callable[[Load], None]) -> Answer:
    answered = time.monotonic()
    reported = load(answer.headers)
    if reported is not None:
        heard(reported)
    received = await _received(answer)
    if answer.status_code != httpx.codes.OK:
        raise _failure(answer, bytes(received))
    if answer.headers.get(CONTRACT) not in CONTRACTS:
        raise BadAnswerError("the answer has another contract number")
    notes = tuple(filter(None, answer.headers.get(NOTE, "").split(", ")))
    sent = answer.extensions[SENT_AT] or answered
    return Answer(received, notes, sent, answered, time.monotonic())


async def _received(answer: httpx.Response) -> memoryview:
    """The body, which the transport gives in one piece."""
    async for piece in answer.aiter_raw():
        return memoryview(piece)
    return memoryview(b"")


def _failure(answer: httpx.Response, body: bytes) -> Exception:
    problem = problems.parse(body)
    if answer.status_code == problems.Unavailable.status and load(answer.headers) is not None:
        if problem is not None and problem.members.get("setting") == SPOOL_DIR:
            return FullError(problem)
        return BusyError("its slots and its queue are full")
    if isinstance(problem, (problems.Unsupported, problems.Unprocessable)):
        return problem
    if isinstance(problem, problems.DeadlineExceeded):
        return TimedOutError(problem.detail)
    return BadAnswerError(f"status {answer.status_code}")


def load(headers: Mapping[str, str]) -> Load | None:
    """(running, slots, queued) as the worker reported it, or None."""
    match = _LOAD.fullmatch(headers.get(LOAD, ""))
    if match is None or int(match[2]) == 0:
        return None
    return int(match[1]), int(match[2]), int(match[3])
