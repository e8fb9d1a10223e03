"""Damaged files as Hypothesis draws them, from seeds made here and, where there is one, from the corpus."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from hypothesis import strategies as st

from bench.mutations import KINDS, Mutation, apply
from shared.problems import InvalidRequest, Unprocessable, Unsupported

_CORPUS = Path(os.environ.get("GRISAILLE_CORPUS", Path(__file__).parents[3] / "shared/corpus"))
_LARGEST_SEED = 40_000
"""Bytes; larger files are slow and their pixels tell nothing new."""


def from_corpus(*patterns: str) -> list[bytes]:
    """The small files of the corpus that match; none where there is no corpus."""
    files = sorted(path for pattern in patterns for path in _CORPUS.glob(pattern))
    return [path.read_bytes() for path in files if path.stat().st_size <= _LARGEST_SEED]


def damaged(seeds: list[bytes]) -> st.SearchStrategy[bytes]:
    """Some seed with one to four changes."""
    change = st.builds(
        Mutation, st.sampled_from(tuple(KINDS)), st.floats(0, 1, exclude_max=True), st.integers(0, 2**32 - 1)
    )
    changes = st.lists(change, min_size=1, max_size=4)
    return st.builds(_all_applied, st.sampled_from(seeds), changes)


def _all_applied(data: bytes, changes: list[Mutation]) -> bytes:
    for change in changes:
        data = apply(data, change)
    return data


def value_or_problem(work: Callable[[], object]) -> object:
    """What `work` returns, or the 4xx problem it ends in; any other error passes through."""
    try:
        return work()
    except (InvalidRequest, Unsupported, Unprocessable) as problem:
        return problem
