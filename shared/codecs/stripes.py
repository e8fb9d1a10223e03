"""A horizontal piece of an image, as a valid image file."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Stripe:
    """Some rows of a picture as a file of its own, in the picture's format."""

    pieces: tuple[bytes | memoryview, ...]
    """The file, to be written one after another."""
    first: int
    """Row of the picture where the wanted rows begin."""
    rows: int
    """How many rows are wanted."""
    above: int
    """Rows decoded before the wanted ones."""
    height: int
    """All rows of the file: those above, wanted ones, those below."""

    @property
    def size(self) -> int:
        """Bytes of the file."""
        return sum(len(piece) for piece in self.pieces)

    @property
    def crop(self) -> tuple[int, int] | None:
        """(first, count) of the rows to keep, or None if all are wanted."""
        return None if self.rows == self.height else (self.above, self.rows)
