"""What `/openapi.json` says of each route: made from the tables that the behaviour is made from.

`tests/http/test_openapi.py` holds the running service to it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from shared import options
from shared.codecs.formats import WRITTEN
from shared.contract import NOTE, PARTS, PLAN, REQUEST_ID, SERVER_TIMING, TRACEPARENT
from shared.problems import KINDS, MEDIA_TYPE, Problem

Document: TypeAlias = dict[str, Any]
Responses: TypeAlias = dict[int | str, dict[str, Any]]

_BINARY = {"type": "string", "format": "binary"}
_PROBLEM_SCHEMA = {
    "type": "object",
    "description": "RFC 9457. A limit that was passed comes with `limit`, `actual` and `setting`.",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string", "enum": [f"urn:grisaille:problem:{slug}" for slug in KINDS]},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string", "description": "What happened here."},
        "request_id": {"type": "string", "description": f"As in `{REQUEST_ID}`."},
        "limit": {"type": "integer"},
        "actual": {"type": "integer"},
        "setting": {"type": "string", "description": "The setting that moves the limit."},
        "offset": {"type": "integer", "description": "The byte of the file at which it is damaged."},
    },
}
_HEADERS = {
    REQUEST_ID: ("Names the request in logs and problems.", "4f1c2a7be3d94c0e8f5b6a1d2c3e4f50"),
    PLAN: (
        "What was done: `inline`, `whole` or `stripes`, and why.",
        "stripes; stripes=4; workers=4; reason=free-slots",
    ),
    PARTS: (
        "Which worker did which part when, in milliseconds since the upload was complete.",
        "worker=0; start=1.2; end=48.7; attempts=1; hedged=0",
    ),
    SERVER_TIMING: ("Consecutive stages of the request.", "receive;dur=8.1, queue;dur=0.1, split;dur=1.0"),
    NOTE: ("What was changed besides the colour.", "requantised"),
    "Content-Disposition": ("A name for the result.", 'inline; filename="photo-grey.jpg"'),
    "Retry-After": ("Seconds after which asking again may help.", "1"),
}
_ASKED_HEADERS = {
    REQUEST_ID: "Taken over if it is of up to 128 letters, digits and `._-`, else made.",
    TRACEPARENT: "W3C trace context; the workers' spans belong to it.",
}


def parameters() -> list[Document]:
    """Query and headers of the routes that convert."""
    schema = {"type": "string"}
    headers = [
        {"name": name, "in": "header", "required": False, "description": what, "schema": schema}
        for name, what in _ASKED_HEADERS.items()
    ]
    return [*options.openapi(), *headers]


def image_body() -> Document:
    """The body of ``POST /convert``."""
    return {
        "required": True,
        "description": "The image itself, whatever its Content-Type, or multipart/form-data with one file.",
        "content": {
            "application/octet-stream": {"schema": _BINARY},
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["image"],
                    "properties": {"image": _BINARY},
                    "additionalProperties": False,
                }
            },
        },
    }


def batch_body() -> Document:
    """The body of ``POST /batch``."""
    many = {"type": "array", "items": _BINARY, "minItems": 1}
    return {
        "required": True,
        "description": "Many files as multipart/form-data, whatever the fields are called, or one zip "
        "archive, as the body itself or as the only file of the form.",
        "content": {
            "application/zip": {"schema": _BINARY},
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["files"],
                    "properties": {"files": many},
                    "additionalProperties": False,
                }
            },
        },
    }


def image_answer() -> Responses:
    """A grey image."""
    headers = _headers(REQUEST_ID, PLAN, PARTS, SERVER_TIMING, NOTE, "Content-Disposition")
    content = {written.media_type: {"schema": _BINARY} for written in WRITTEN}
    return {200: {"description": "The grey image, complete.", "headers": headers, "content": content}}


def batch_answer() -> Responses:
    """An archive."""
    return {
        200: {
            "description": "A zip archive of the results, each as soon as it is ready; its directory lists "
            "them in the order of the upload. If files failed, the last entry `errors.json` is a list of "
            "objects with the `name` of each and its `problem`.",
            "headers": _headers(REQUEST_ID, "Content-Disposition"),
            "content": {"application/zip": {"schema": _BINARY}},
        }
    }


def version_answer() -> Responses:
    """What runs."""
    words = {"type": "string"}
    schema = {
        "type": "object",
        "required": ["service", "version"],
        "properties": {"service": words, "version": words},
    }
    example = {"service": "gateway", "version": "1.0.0"}
    content = {"application/json": {"schema": schema, "example": example}}
    return {200: {"description": "Service and version.", "headers": _headers(REQUEST_ID), "content": content}}


def problems(statuses: Sequence[int]) -> Responses:
    """All problems of these statuses."""
    return {status: _problem([k for k in KINDS.values() if k.status == status]) for status in statuses}


def _problem(kinds: Sequence[type[Problem]]) -> dict[str, Any]:
    headers = _headers(REQUEST_ID, *(["Retry-After"] if any(kind.retry_after for kind in kinds) else []))
    examples = {kind.slug: {"value": kind("what happened here").document()} for kind in kinds}
    content = {"schema": {"$ref": "#/components/schemas/Problem"}, "examples": examples}
    return {
        "description": "; ".join(f"`{kind.slug}`: {kind.title}" for kind in kinds) + ".",
        "headers": headers,
        "content": {MEDIA_TYPE: content},
    }


def _headers(*names: str) -> Document:
    return {
        name: {"description": what, "schema": {"type": "string"}, "example": example}
        for name, (what, example) in _HEADERS.items()
        if name in names
    }


def document(app: FastAPI) -> Document:
    """The whole document; made once."""
    if app.openapi_schema is None:
        made = get_openapi(
            title=app.title, version=app.version, description=app.description, routes=app.routes
        )
        made.setdefault("components", {}).setdefault("schemas", {})["Problem"] = _PROBLEM_SCHEMA
        app.openapi_schema = made
    return app.openapi_schema
