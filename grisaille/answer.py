"""What comes with a grey picture: how it was made, by whom, and where the time went."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Plan:
    """How the picture was converted, and why so."""

    kind: str
    """`inline` (in the gateway, or in this process), `whole` (on one worker) or `stripes`."""
    stripes: int
    workers: int
    reason: str
    """A slug; `grisaille info` says it in words."""


@dataclass(frozen=True, slots=True)
class Part:
    """One stripe, or the whole picture: who converted it, and when."""

    worker: int
    start: float
    """Milliseconds since the upload was complete, as `end`."""
    end: float
    attempts: int
    hedged: bool
    """Whether a second worker was asked because the first was late."""


@dataclass(frozen=True, slots=True)
class Converted:
    """A grey picture."""

    media_type: str
    """`image/jpeg` and so on."""
    size: int
    """Bytes of the file."""
    plan: Plan
    content: bytes = b""
    """The file, unless it was written to a path or a file object."""
    path: Path | None = None
    """Where it was written, if that was a path."""
    parts: tuple[Part, ...] = ()
    timing: Mapping[str, float] = field(default_factory=dict)
    """Milliseconds of consecutive stages in the gateway, which add up to the request (`Server-Timing`)."""
    notes: tuple[str, ...] = ()
    """What was changed besides the colour: `requantised`, `narrowed`, `flattened`, `first-frame`, ..."""
    request_id: str = ""
    """Under which the service's logs have it."""
    tries: int = 1
    """How often the service had to be asked."""

    @property
    def format(self) -> str:
        """Format of the file: `jpeg`, `png`, `tiff` or `webp`."""
        return self.media_type.removeprefix("image/")


def told(headers: Mapping[str, str]) -> Converted:
    """What an answer's headers, which ignore case, tell of its picture.

    Raises `KeyError` or `ValueError` if they are not a picture's.
    """
    media_type = headers["Content-Type"]
    if not media_type.startswith("image/"):
        raise ValueError(media_type)
    kind, _, fields = headers["X-Grisaille-Plan"].partition(";")
    plan = _fields(fields)
    return Converted(
        media_type=media_type,
        size=int(headers["Content-Length"]),
        plan=Plan(kind.strip(), int(plan["stripes"]), int(plan["workers"]), plan["reason"]),
        parts=tuple(_part(_fields(entry)) for entry in _entries(headers.get("X-Grisaille-Parts", ""))),
        timing=dict(_stage(entry) for entry in _entries(headers.get("Server-Timing", ""))),
        notes=tuple(_entries(headers.get("X-Grisaille-Note", ""))),
        request_id=headers.get("X-Request-Id", ""),
    )


def _entries(header: str) -> list[str]:
    return [entry.strip() for entry in header.split(",") if entry.strip()]


def _fields(text: str) -> dict[str, str]:
    pairs = (field.partition("=") for field in text.split(";") if field.strip())
    return {name.strip(): value.strip() for name, _, value in pairs}


def _part(fields: Mapping[str, str]) -> Part:
    return Part(
        worker=int(fields["worker"]),
        start=float(fields["start"]),
        end=float(fields["end"]),
        attempts=int(fields["attempts"]),
        hedged=fields["hedged"] == "1",
    )


def _stage(entry: str) -> tuple[str, float]:
    name, _, fields = entry.partition(";")
    return name.strip(), float(_fields(fields)["dur"])
