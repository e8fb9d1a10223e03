"""Answers: a file in pieces that are never joined, and problems as problem+json, made in one place."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping, Sequence

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from shared.contract import REQUEST_ID, TRACEPARENT
from shared.problems import (
    MEDIA_TYPE,
    Internal,
    InvalidRequest,
    MethodNotAllowed,
    NotFound,
    Problem,
)
from shared.service.spool import file_of, slices
from shared.service.trace import trace_id

_LOG = logging.getLogger("grisaille.service")


class PiecesResponse(Response):
    """A complete body held as several buffers, sent one after another under one Content-Length."""

    def __init__(
        self,
        pieces: Sequence[bytes | memoryview],
        media_type: str,
        headers: Mapping[str, str],
        sent: Callable[[bool], None] = lambda _: None,
    ) -> None:
        """`sent` is called at the end: whether the last piece is on its way, or nobody takes it any more."""
        self._pieces = pieces
        self._sent = sent
        size = sum(len(piece) for piece in pieces)
        super().__init__(media_type=media_type, headers={**headers, "Content-Length": str(size)})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send head and pieces."""
        start = {"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers}
        taken = False
        try:
            await send(start)
            for piece in (*self._pieces, b""):  # a send waits for what was sent before
                await _send_piece(piece, send)
            taken = not await Request(scope, receive).is_disconnected()  # `send` does not say
            await send({"type": "http.response.body", "body": b"", "more_body": False})
        finally:
            self._sent(taken)


async def _send_piece(piece: bytes | memoryview, send: Send) -> None:
    file = file_of(piece)
    if file is None:
        await send({"type": "http.response.body", "body": piece, "more_body": True})
        return
    async for part in slices(file, memoryview(piece)):
        await send({"type": "http.response.body", "body": part, "more_body": True})


def problem_response(problem: Problem, request_id: str | None = None) -> Response:
    """The problem as an answer."""
    document = problem.document()
    if request_id is not None:
        document["request_id"] = request_id
    headers = {"Cache-Control": "no-store"}
    if problem.retry_after is not None:
        headers["Retry-After"] = str(problem.retry_after)
    if problem.closes:
        headers["Connection"] = "close"
    return Response(json.dumps(document), problem.status, headers, MEDIA_TYPE)


def _translated(error: Exception) -> Problem:
    """What the framework raises, as one of ours."""
    if isinstance(error, Problem):
        return error
    if isinstance(error, RequestValidationError):
        return InvalidRequest(str(error.errors()))
    if isinstance(error, HTTPException):
        kind = {404: NotFound, 405: MethodNotAllowed}.get(error.status_code, InvalidRequest)
        return kind(str(error.detail))
    return Internal("an unexpected error; the log has it under this request id")


def _identity(request: Request) -> dict[str, str]:
    """Whose request it is: as the gateway settled it, or as it tells its workers."""
    trace = getattr(request.state, "trace", None)
    told = request.headers
    return {
        "request_id": getattr(request.state, "request_id", None) or told.get(REQUEST_ID, ""),
        "trace_id": trace.trace_id if trace else trace_id(told.get(TRACEPARENT, "")),
    }


def install_problem_handlers(app: Starlette) -> None:
    """Answer every exception with a problem."""

    async def handle(request: Request, error: Exception) -> Response:
        problem = _translated(error)
        request_id: str | None = getattr(request.state, "request_id", None)
        if problem.status == Internal.status:
            _LOG.error("internal", exc_info=error, extra={"fields": _identity(request)})
        answer = problem_response(problem, request_id)
        if isinstance(error, HTTPException) and error.headers:
            answer.headers.update(error.headers)
        return answer

    for kind in (Problem, HTTPException, RequestValidationError, Exception):
        app.add_exception_handler(kind, handle)
