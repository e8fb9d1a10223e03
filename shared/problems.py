"""One tree of errors, and its one form on the wire: ``application/problem+json`` (RFC 9457).

The class carries what never varies (status, slug, title); the message says what happened here.

    Problem
    ├── InvalidRequest 400 ── InvalidOption, InvalidMultipart, InvalidArchive, EmptyBody
    ├── NotFound 404, MethodNotAllowed 405
    ├── SlowUpload 408
    ├── UploadTooLarge 413
    ├── Unsupported 415 ── UnsupportedFormat, UnsupportedEncoding, UnsupportedArchive
    ├── Unprocessable 422 ── MalformedImage, ImageTooLarge, DecoderCrash
    ├── Internal 500
    ├── Unavailable 503 ── Overloaded, NoWorker
    └── DeadlineExceeded 504
"""

from __future__ import annotations

import json
from typing import ClassVar, Self, TypeAlias

MEDIA_TYPE = "application/problem+json"
_TYPE_PREFIX = "urn:grisaille:problem:"

Member: TypeAlias = str | int | float


class Problem(Exception):
    """Something that ends a request; never raised itself, only its subclasses are."""

    status: ClassVar[int]
    slug: ClassVar[str]
    title: ClassVar[str]
    retry_after: ClassVar[int | None] = None
    """Seconds after which asking again may help, or None."""
    closes: ClassVar[bool] = False
    """Whether the connection ends with the answer."""

    def __init__(self, detail: str, /, **members: Member) -> None:
        super().__init__(detail)
        self.detail = detail
        self.members = members

    def document(self) -> dict[str, Member]:
        """The problem as RFC 9457 members, extensions included."""
        fixed: dict[str, Member] = {
            "type": _TYPE_PREFIX + self.slug,
            "title": self.title,
            "status": self.status,
            "detail": self.detail,
        }
        return fixed | self.members

    @classmethod
    def over(cls, what: str, *, limit: int, actual: int, setting: str) -> Self:
        """A limit that was passed, with the three things a reader needs to move it."""
        return cls(
            f"{what} is {actual}, the limit is {limit} (setting {setting})",
            limit=limit,
            actual=actual,
            setting=setting,
        )


class InvalidRequest(Problem):
    status, slug, title = 400, "invalid-request", "The request is not valid"


class InvalidOption(InvalidRequest):
    slug, title = "invalid-option", "An option is unknown or has a value that is not allowed"


class InvalidMultipart(InvalidRequest):
    slug, title = "invalid-multipart", "The multipart body is not valid, or not what this path takes"


class InvalidArchive(InvalidRequest):
    slug, title = "invalid-archive", "The archive is damaged, truncated or not valid"


class EmptyBody(InvalidRequest):
    slug, title = "empty-body", "The request has no image in its body"


class NotFound(Problem):
    status, slug, title = 404, "not-found", "There is nothing at this path"


class MethodNotAllowed(Problem):
    status, slug, title = 405, "method-not-allowed", "This path does not take this method"


class SlowUpload(Problem):
    status, slug, title = 408, "slow-upload", "The upload comes in too slowly"
    closes = True


class UploadTooLarge(Problem):
    status, slug, title = 413, "upload-too-large", "The upload is larger than the limit"


class Unsupported(Problem):
    status, slug, title = 415, "unsupported", "This kind of content is not supported"


class UnsupportedFormat(Unsupported):
    slug, title = "unsupported-format", "This image format, or this kind of it, is not supported"


class UnsupportedEncoding(Unsupported):
    slug, title = "unsupported-encoding", "The body must not be content-encoded"


class UnsupportedArchive(Unsupported):
    slug, title = "unsupported-archive", "This is no batch, or an archive of a kind that is not supported"


class Unprocessable(Problem):
    status, slug, title = 422, "unprocessable", "The image cannot be converted"


class MalformedImage(Unprocessable):
    slug, title = "malformed-image", "The image is damaged, truncated or not valid"

    @classmethod
    def at(cls, offset: int, what: str) -> Self:
        """A fault at a byte offset of the file."""
        return cls(f"{what} (byte {offset})", offset=offset)


class ImageTooLarge(Unprocessable):
    slug, title = "image-too-large", "The image claims more than the limit"


class DecoderCrash(Unprocessable):
    slug, title = "decoder-crash", "The image brings its decoder down"


class Internal(Problem):
    status, slug, title = 500, "internal", "A defect in the service"


class Unavailable(Problem):
    status, slug, title = 503, "unavailable", "The service cannot take this request now"
    retry_after = 1


class Overloaded(Unavailable):
    slug, title = "overloaded", "There is no room for this request now"


class NoWorker(Unavailable):
    slug, title = "no-worker", "No worker is ready"
    retry_after = 2


class DeadlineExceeded(Problem):
    status, slug, title = 504, "deadline", "The conversion did not end in time"


def _subclasses(cls: type[Problem]) -> list[type[Problem]]:
    return [cls, *(below for sub in cls.__subclasses__() for below in _subclasses(sub))]


KINDS: dict[str, type[Problem]] = {kind.slug: kind for kind in _subclasses(Problem)[1:]}
"""Every kind of problem by its slug."""


def parse(body: bytes) -> Problem | None:
    """The problem a service wrote, or None if the body is not one of ours."""
    try:
        document = json.loads(body)
        kind = KINDS[document.pop("type").removeprefix(_TYPE_PREFIX)]
        detail = document.pop("detail")
    except (ValueError, KeyError, AttributeError, TypeError, RecursionError):
        return None
    if not isinstance(detail, str):
        return None
    members = {k: v for k, v in document.items() if k not in {"title", "status", "request_id"}}
    return kind(detail, **members)
