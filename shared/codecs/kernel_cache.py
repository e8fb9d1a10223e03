"""Kernels that were compiled before, for a processor they name, in a folder that cannot be written to.

An image is built on one machine and runs on others, read-only. numba looks for its cache in folders it can
write, and compiles for the very processor it finds; both are set otherwise here, before numba is imported.
GRISAILLE_KERNELS names the folder; images set it.
"""

from __future__ import annotations

import os
import platform

import llvmlite.binding as llvm

SETTING = "GRISAILLE_KERNELS"
_PROCESSORS = {
    "x86_64": ("haswell", ("avx2", "bmi", "bmi2", "fma", "lzcnt", "popcnt")),
    "aarch64": ("neoverse-n1", ("neon", "crc", "lse")),
}
"""LLVM's name of the oldest processor that is meant, and what one must have to run its code. haswell is
x86-64-v3; the plain x86-64 would filter PNG rows ten times as slowly."""


def use() -> None:
    """Let numba look where GRISAILLE_KERNELS says, if it does and this machine can run what is there."""
    folder = os.environ.get(SETTING)
    name, needed = _PROCESSORS.get(platform.machine(), ("", ()))
    if not folder or not name:
        return
    ours = llvm.get_host_cpu_features()
    if not all(ours.get(feature) for feature in needed):
        return
    os.environ |= {
        "NUMBA_CACHE_DIR": folder,
        "NUMBA_CACHE_LOCATOR_CLASSES": "shared.codecs.kernel_locator.BakedCacheLocator",
        "NUMBA_CPU_NAME": name,
        "NUMBA_CPU_FEATURES": "",  # exactly what the name stands for
    }
