"""Logs on standard error, an event a line: its name plus fields, as JSON or for people to read."""

from __future__ import annotations

import json
import logging
import sys
from datetime import UTC, datetime
from enum import StrEnum

_FIELDS = "fields"


class LogFormat(StrEnum):
    """What a line looks like."""

    JSON = "json"
    TEXT = "text"


class _JsonFormatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, object] = {
            "time": _time(record),
            "level": record.levelname.lower(),
            "event": record.getMessage(),
        }
        line |= getattr(record, _FIELDS, {})
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, default=str)


class _TextFormatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        fields: dict[str, object] = getattr(record, _FIELDS, {})
        # As JSON, so that nobody's text begins a line of its own.
        told = "".join(f" {name}={json.dumps(value, default=str)}" for name, value in fields.items())
        what = record.getMessage().replace("\n", "\\n")
        line = f"{_time(record)} {record.levelname.lower():7} {what}{told}"
        return f"{line}\n{self.formatException(record.exc_info)}" if record.exc_info else line


_FORMATTERS = {LogFormat.JSON: _JsonFormatter, LogFormat.TEXT: _TextFormatter}


def _time(record: logging.LogRecord) -> str:
    return datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")


def configure(level: str, form: LogFormat) -> None:
    """Send every logger's lines, uvicorn's included, to standard error in our form."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_FORMATTERS[form]())
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    for chatty in ("uvicorn.error", "httpx"):
        logging.getLogger(chatty).setLevel(logging.WARNING)


def event(logger: logging.Logger, level: int, name: str, **fields: object) -> None:
    """Write one line: the event's name and its fields."""
    logger.log(level, name, extra={_FIELDS: fields})
