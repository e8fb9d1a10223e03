"""What the routes that convert have in common: what was asked for, and how its end is told."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable
from dataclasses import replace

from fastapi import Request
from starlette.requests import ClientDisconnect
from starlette.responses import Response

from gateway.metrics import GONE, GatewayMetrics
from gateway.timing import Stages
from shared import options as options_module
from shared.contract import REQUEST_ID
from shared.options import Options
from shared.problems import Internal, Problem, Unavailable
from shared.service.frames import let_go
from shared.service.logs import event

_LOG = logging.getLogger("grisaille.gateway")
_CLIENT_CLOSED = 499


def options(request: Request) -> Options:
    """What the query asks for, and `Accept` where it names no format; `InvalidOption`."""
    asked = options_module.parse(request.query_params.multi_items())
    if "format" in request.query_params:
        return asked
    return replace(asked, format=options_module.accepted(",".join(request.headers.getlist("accept"))))


def passed_on(request: Request) -> dict[str, str]:
    """Headers for the workers."""
    return {REQUEST_ID: request.state.request_id, **request.state.trace.headers}


async def told(
    answer: Awaitable[Response], request: Request, metrics: GatewayMetrics, stages: Stages
) -> Response:
    """The answer, once it can begin; one that cannot is counted and logged first. Raises as `answer`."""
    try:
        with let_go():
            return await answer
    except ClientDisconnect:
        return nobody_left(request, metrics, stages)
    except Problem as problem:
        _refused(problem, request, metrics, stages)
        raise
    except asyncio.CancelledError:
        stopping = Unavailable("this gateway stops, and has waited for the request as long as it may")
        _refused(stopping, request, metrics, stages)
        raise stopping from None
    except Exception:
        _refused(Internal("an unexpected error; the log has it"), request, metrics, stages)
        raise


def _refused(problem: Problem, request: Request, metrics: GatewayMetrics, stages: Stages) -> None:
    metrics.refused(problem, stages.elapsed, request.url.path)
    log(request, problem.slug, stages, status=problem.status, detail=problem.detail)


def nobody_left(request: Request, metrics: GatewayMetrics, stages: Stages) -> Response:
    """Count and log that the client went away; an answer for nobody."""
    metrics.nobody_left(stages.elapsed, request.url.path)
    log(request, GONE, stages)
    return Response(status_code=_CLIENT_CLOSED)


def log(request: Request, outcome: str, stages: Stages, **fields: object) -> None:
    """The one line of a request."""
    event(
        _LOG,
        logging.INFO,
        "request",
        request_id=request.state.request_id,
        trace_id=request.state.trace.trace_id,
        outcome=outcome,
        ms={name: round(seconds * 1000, 1) for name, seconds in stages.seconds},
        total_ms=round(stages.elapsed * 1000, 1),
        **fields,
    )
