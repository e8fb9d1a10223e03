"""Logs as one JSON object a line on standard error: event name plus fields."""

from __future__ import annotations

import json
import logging
import sys
from datetime import UTC, datetime

_FIELDS = "fields"


class _JsonFormatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "event": record.getMessage(),
        }
        line |= getattr(record, _FIELDS, {})
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, default=str)


def configure(level: str) -> None:
    """Send every logger's lines, uvicorn's included, to standard error in our form."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_JsonFormatter())
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    for chatty in ("uvicorn.error", "httpx"):
        logging.getLogger(chatty).setLevel(logging.WARNING)


def event(logger: logging.Logger, level: int, name: str, **fields: object) -> None:
    """Write one line: the event's name and its fields."""
    logger.log(level, name, extra={_FIELDS: fields})
