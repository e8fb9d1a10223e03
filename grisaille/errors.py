"""What a conversion by the service can end with instead of a picture.

GrisailleError
├── Problem            the service says why (application/problem+json, RFC 9457)
├── Unreachable        there was no connection
├── Interrupted        the connection ended, or was silent for too long, before the whole answer was here
└── UnexpectedAnswer   somebody else answered: a proxy, another program
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import ClassVar

_TYPE_PREFIX = "urn:grisaille:problem:"
_SHOWN = 200


class GrisailleError(Exception):
    """Any of them; never raised itself."""

    is_temporary: bool = False
    """Whether asking again later may help: what the client does by itself, for a while."""
    retry_after: float = 0.0
    """Seconds the service asks to be left alone."""


class Unreachable(GrisailleError):  # noqa: N818 - as the others, it is what has happened
    """No connection to the service."""

    is_temporary = True


class Interrupted(GrisailleError):  # noqa: N818
    """The connection ended, or was silent for too long, before the whole answer was here."""

    is_temporary = True


class UnexpectedAnswer(GrisailleError):  # noqa: N818
    """An answer that is not the service's: of a proxy on the way, or of another program at this URL."""

    _TEMPORARY: ClassVar[set[int]] = {
        HTTPStatus.TOO_MANY_REQUESTS,
        HTTPStatus.BAD_GATEWAY,
        HTTPStatus.SERVICE_UNAVAILABLE,
        HTTPStatus.GATEWAY_TIMEOUT,
    }

    def __init__(self, message: str, status: int, retry_after: float = 0.0) -> None:
        super().__init__(message)
        self.status = status
        self.is_temporary = status in self._TEMPORARY
        self.retry_after = retry_after


@dataclass(eq=False)
class Problem(GrisailleError):  # noqa: N818 - "problem" is RFC 9457's word
    """The service's own answer.

    `type` is a slug such as `malformed-image`, listed in the service's documentation. Errors of a limit
    carry the limit, the actual value and the setting that moves it.
    """

    status: int
    type: str
    title: str
    detail: str
    limit: float | None = None
    actual: float | None = None
    setting: str | None = None
    request_id: str | None = None
    retry_after: float = 0.0
    is_temporary: bool = field(init=False)

    def __post_init__(self) -> None:
        super().__init__(self.title, self.detail)
        # Too busy, without a worker, starting or stopping. A 504 of the service's own has taken its time.
        self.is_temporary = self.status == HTTPStatus.SERVICE_UNAVAILABLE

    def __str__(self) -> str:
        return f"{self.title}: {self.detail}"

    @classmethod
    def of(cls, document: Mapping[str, object], retry_after: float = 0.0) -> Problem:
        """From a problem document; `KeyError`, `TypeError` or `ValueError` if it is none of the service's."""
        kind = str(document["type"])
        if not kind.startswith(_TYPE_PREFIX):
            raise ValueError(kind)
        return cls(
            status=int(str(document["status"])),
            type=kind.removeprefix(_TYPE_PREFIX),
            title=str(document["title"]),
            detail=str(document["detail"]),
            limit=_number(document.get("limit")),
            actual=_number(document.get("actual")),
            setting=_text(document.get("setting")),
            request_id=_text(document.get("request_id")),
            retry_after=retry_after,
        )


def _number(value: object) -> float | None:
    return value if isinstance(value, (int, float)) else None


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def refusal(status: int, headers: Mapping[str, str], body: bytes) -> Problem | UnexpectedAnswer:
    """What an answer without a picture means; `headers` ignores case."""
    told = headers.get("Retry-After", "")
    retry_after = float(told) if told.isascii() and told.isdigit() else 0.0
    try:
        return Problem.of(json.loads(body), retry_after)
    except (ValueError, KeyError, TypeError, RecursionError):
        text = body[:_SHOWN].decode(errors="replace")
        where = f" to {headers['Location']}" if "Location" in headers else ""
        message = f"not an answer of the service: status {status}{where}, {text!r}"
        return UnexpectedAnswer(message, status, retry_after)
