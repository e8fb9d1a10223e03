"""Memory of a container as either version of control groups tells it."""

from __future__ import annotations

from pathlib import Path

import pytest

from shared.service.memory import memory_limit, memory_used


def v2(root: Path, limit: str) -> Path:
    (root / "memory.max").write_text(f"{limit}\n")
    (root / "memory.current").write_text("500\n")
    (root / "memory.stat").write_text("anon 300\nfile 200\ninactive_file 120\n")
    return root


def v1(root: Path, limit: str) -> Path:
    folder = root / "memory"
    folder.mkdir()
    (folder / "memory.limit_in_bytes").write_text(f"{limit}\n")
    (folder / "memory.usage_in_bytes").write_text("500\n")
    (folder / "memory.stat").write_text("inactive_file 7\ntotal_inactive_file 120\n")
    return root


@pytest.mark.parametrize(("make", "unlimited"), [(v2, "max"), (v1, "9223372036854771712")])
def test_limit_and_use(make: object, unlimited: str, tmp_path: Path) -> None:
    assert callable(make)
    limited, free = tmp_path / "limited", tmp_path / "free"
    limited.mkdir()
    free.mkdir()
    assert (memory_limit(make(limited, "1000")), memory_used(limited)) == (1000, 380)
    machine = tmp_path / "meminfo"
    machine.write_text("MemTotal:       2000 kB\nMemFree:  1 kB\n")
    assert memory_limit(make(free, unlimited), machine) == 2000 << 10


def test_without_control_groups_there_is_the_machine_or_nothing(tmp_path: Path) -> None:
    assert (memory_limit(tmp_path, tmp_path / "none"), memory_used(tmp_path)) == (0, 0)
