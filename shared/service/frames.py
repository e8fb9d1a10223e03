"""What an error holds: the variables of every function it left, and with them whole images.

An error that went through a task and the task hold each other, so that only the garbage collector, perhaps
much later, would free what the functions had.
"""

from __future__ import annotations

import contextlib
import traceback
from collections.abc import Generator


@contextlib.contextmanager
def let_go() -> Generator[None]:
    """Clear the variables of the functions that an error leaves, and those of the errors behind it."""
    try:
        yield
    except BaseException as error:
        behind: BaseException | None = error
        while behind is not None:
            traceback.clear_frames(behind.__traceback__)
            behind = behind.__cause__ or behind.__context__
        raise
