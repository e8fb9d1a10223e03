"""What a measurement depends on: the machine, the versions and the command."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import subprocess
import sys
from pathlib import Path

import pyvips
from PIL import features

_ROOT = Path(__file__).resolve().parent.parent
_PACKAGES = (
    "fastapi",
    "httptools",
    "isal",
    "numba",
    "numpy",
    "pillow",
    "pyvips",
    "simplejpeg",
    "uvicorn",
    "uvloop",
)


def machine() -> dict[str, str | int | float | None]:
    """Processor, cores, memory, kernel; nothing that names its owner."""
    return {
        "cpu": _field("/proc/cpuinfo", "model name") or platform.processor() or platform.machine(),
        "cores": os.cpu_count(),
        "memory_mib": _memory_mib(),
        "kernel": f"{platform.system()} {platform.release()}",
        "architecture": platform.machine(),
        "load_average": round(os.getloadavg()[0], 2),
    }


def versions() -> dict[str, str]:
    """Python, the packages and the C libraries they carry."""
    return {
        "python": platform.python_version(),
        **{name: importlib.metadata.version(name) for name in _PACKAGES},
        "libvips": ".".join(str(pyvips.version(part)) for part in range(3)),
        "libjpeg-turbo (pillow)": features.version("libjpeg_turbo") or "",
        "zlib (pillow)": features.version("zlib") or "",
        "grisaille": _commit(),
    }


def command(module: str) -> str:
    """As it was typed, without the interpreter's path."""
    return " ".join(["python", "-m", module, *sys.argv[1:]])


def _commit() -> str:
    """What is checked out, or nothing outside a checkout."""
    try:
        described = subprocess.run(
            ["git", "describe", "--always", "--dirty", "--tags"],
            cwd=_ROOT,
            capture_output=True,
            text=True,
            check=True,
        )
    except (OSError, subprocess.CalledProcessError):
        return ""
    return described.stdout.strip()


def _memory_mib() -> int:
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") >> 20


def _field(path: str, name: str) -> str:
    """The first value of that name in a /proc file; nothing where there is none."""
    try:
        lines = Path(path).read_text().splitlines()
    except OSError:
        return ""
    return next((line.partition(":")[2].strip() for line in lines if line.startswith(name)), "")
