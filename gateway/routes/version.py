"""``GET /version``: what runs here."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.responses import JSONResponse, Response

from gateway import openapi
from shared.contract import VERSION_PATH
from shared.version import VERSION

routes = APIRouter()


@routes.head(VERSION_PATH, include_in_schema=False)  # RFC 9110 section 9.1: wherever there is GET
@routes.get(VERSION_PATH, responses=openapi.version_answer(), response_class=Response)
async def version() -> Response:
    """Return what runs here."""
    return JSONResponse({"service": "gateway", "version": VERSION})
