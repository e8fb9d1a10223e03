"""Failures on demand, for tests of whoever depends on a worker. Off unless GRISAILLE_FAULT says otherwise."""

from __future__ import annotations

import os
import time
from enum import StrEnum

from shared.problems import Internal
from worker.slots import Cancel

_CRASHED = 70
_STEP_SECONDS = 0.02
_HOARD_BYTES = 1 << 30


class Fault(StrEnum):
    """What goes wrong with a conversion."""

    NONE = ""
    DELAY = "delay"
    """It takes so much longer."""
    ERROR = "error"
    HANG = "hang"
    """It does not end before its deadline, or before its asker has gone."""
    CRASH = "crash"
    """It takes the worker with it."""
    ALLOC = "alloc"
    """It takes a gibibyte of memory, for a while."""


def strike(fault: Fault, seconds: float, cancel: Cancel) -> None:
    """Let it happen, in the slot of the conversion. Raises `Internal`, or as `cancel.check`."""
    match fault:
        case Fault.DELAY:
            _sleep(seconds, cancel)
        case Fault.ERROR:
            raise Internal("a fault that was asked for")
        case Fault.HANG:
            _sleep(float("inf"), cancel)
        case Fault.CRASH:
            os._exit(_CRASHED)
        case Fault.ALLOC:
            hoard = bytearray(os.urandom(1) * _HOARD_BYTES)
            _sleep(seconds, cancel)
            del hoard


def _sleep(seconds: float, cancel: Cancel) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        cancel.check()
        time.sleep(_STEP_SECONDS)
