"""Batches as clients send them, and the archives they get."""

from __future__ import annotations

import io
import json
import warnings
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import httpx

Files = Sequence[tuple[str, bytes]]
"""Names and contents; names may repeat."""


@dataclass(frozen=True)
class Body:
    """A request body and its type."""

    data: bytes
    kind: str


def form(files: Files) -> Body:
    """As multipart/form-data, each file in a field of its own."""
    fields = [(f"f{number}", file) for number, file in enumerate(files)]
    request = httpx.Request("POST", "http://gateway", files=fields)
    return Body(request.read(), request.headers["content-type"])


def archive(files: Files) -> Body:
    """As a zip."""
    out = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as writer:
        warnings.simplefilter("ignore")  # of names that repeat
        for name, data in files:
            writer.writestr(name, data)
    return Body(out.getvalue(), "application/zip")


def archive_in_a_form(files: Files) -> Body:
    """As a zip that is the one file of a form."""
    return form([("all.zip", archive(files).data)])


@dataclass(frozen=True)
class Answer:
    """What an answering archive holds, in the order of its directory."""

    images: dict[str, bytes]
    errors: list[dict[str, Any]]

    @classmethod
    def of(cls, data: bytes) -> Answer:
        with zipfile.ZipFile(io.BytesIO(data)) as reader:
            assert reader.testzip() is None
            entries = {info.filename: reader.read(info) for info in reader.infolist()}
            assert len(entries) == len(reader.infolist())
        errors = json.loads(entries.pop("errors.json", b"[]"))
        return cls(entries, errors)
