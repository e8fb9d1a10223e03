"""A program in a terminal, and what stands on its screen."""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import struct
import subprocess
import sys
import termios
from collections.abc import Callable, Iterator, Mapping, Sequence

_PIECE = re.compile(r"\x1b\[\??(?P<count>\d*)[\d;]*(?P<command>[A-Za-z])|(?P<end>[\r\n])|[^\x1b\r\n]+")
_CONTROLLING = """
import fcntl, os, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
os.execv(sys.argv[1], sys.argv[1:])
"""
"""Whoever is told to start in a terminal takes it: Ctrl-C comes from there."""


def screen(told: str, columns: int) -> list[str]:
    """The lines, without empty ones, of a screen without a lower end (ECMA-48: CR, LF, CUU, EL)."""
    rows, row, column = [""], 0, 0
    for piece in _PIECE.finditer(told):
        if piece["end"] == "\r":
            column = 0
        elif piece["command"] == "A":
            row = max(row - int(piece["count"] or 1), 0)
        elif piece["command"] == "K":
            rows[row] = "" if piece["count"] == "2" else rows[row][:column]
        for one in "" if piece["command"] or piece["end"] == "\r" else piece.group():
            if one == "\n" or column == columns:
                row, column = row + 1, 0
                rows += [""] * (row == len(rows))
            if one != "\n":
                rows[row] = rows[row].ljust(column)[:column] + one + rows[row][column + 1 :]
                column += 1
    return [line.rstrip() for line in rows if line.strip()]


class Terminal:
    """One with a program in it."""

    def __init__(self, ours: int, process: subprocess.Popen[bytes], columns: int) -> None:
        self._ours, self._process, self._columns = ours, process, columns
        self._told = b""

    @property
    def told(self) -> str:
        """All that the program wrote."""
        return self._told.decode(errors="ignore")

    @property
    def lines(self) -> list[str]:
        """What stands on the screen."""
        return screen(self.told, self._columns)

    def until(self, seen: Callable[[list[str]], bool]) -> None:
        """Wait until it stands on the screen, or the program has ended."""
        while not seen(self.lines):
            try:
                self._told += os.read(self._ours, 65536)
            except OSError:  # EIO: nobody is left at the other end
                return

    def press(self, key: bytes) -> None:
        os.write(self._ours, key)

    def end(self) -> int:
        """Wait for the program's end; its exit code."""
        self.until(lambda _: False)
        return self._process.wait(20)


@contextlib.contextmanager
def terminal(command: Sequence[str], columns: int, environment: Mapping[str, str]) -> Iterator[Terminal]:
    """A terminal of so many columns in which the command runs."""
    ours, theirs = os.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    process = subprocess.Popen(
        [sys.executable, "-c", _CONTROLLING, *command],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env=environment,
        start_new_session=True,
    )
    os.close(theirs)
    try:
        yield Terminal(ours, process, columns)
    finally:
        process.kill()
        process.wait(20)
        os.close(ours)
