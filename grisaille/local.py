"""Conversion in this process, for one who has no service: the same codecs, on all cores."""

from __future__ import annotations

import os
from typing import Unpack

from grisaille.answer import Converted, Plan
from grisaille.client import Options, Progress
from grisaille.errors import Problem
from grisaille.transfer import Source, Target, downloading, uploading
from shared import options as options_module
from shared import problems
from shared.codecs import convert
from shared.codecs.limits import Limits

LIMITS = Limits()


class Local:
    """Does what `grisaille.client.Client` does, without a service."""

    def __init__(self, at_once: int) -> None:
        """`at_once`: how many pictures are converted at a time."""
        self._overlap = at_once < (os.cpu_count() or 1)

    def convert(
        self, source: Source, target: Target | None = None, *, progress: Progress, **options: Unpack[Options]
    ) -> Converted:
        """As `Client.convert`; `progress` is called before every band."""
        asked = options_module.parse([(k, str(v)) for k, v in options.items() if v is not None])
        with uploading(source) as upload:
            data = memoryview(b"".join(upload.chunks()))
        try:
            if not data:
                raise problems.EmptyBody("the file is empty")
            made = convert.grey(
                data,
                asked,
                LIMITS,
                check=lambda: progress(len(data), 0),
                overlap=self._overlap,
                spare=self._overlap,
            )
        except problems.Problem as problem:
            raise Problem.of(problem.document()) from problem
        with downloading(target) as download:
            for piece in made.pieces:
                download.file.write(piece)
        return Converted(
            made.format.media_type,
            made.size,
            Plan("inline", 1, 0, "no-service"),
            download.content,
            download.path,
            notes=made.notes,
        )
