"""Control groups of both versions; a folder stands in for the kernel's."""

from __future__ import annotations

import errno
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench import cgroups
from bench.cgroups import CgroupError, group


@pytest.fixture(autouse=True)
def folders_that_go_with_their_files(monkeypatch: pytest.MonkeyPatch) -> None:
    """As the kernel's do."""
    monkeypatch.setattr(Path, "rmdir", shutil.rmtree)


@pytest.fixture
def v2(tmp_path: Path) -> Path:
    (tmp_path / "cgroup.controllers").write_text("cpuset cpu io memory\n")
    (tmp_path / "cgroup.subtree_control").write_text("memory\n")
    return tmp_path


@pytest.fixture
def v1(tmp_path: Path) -> Path:
    for controller in ("cpu", "cpuacct"):
        (tmp_path / controller).mkdir()
    (tmp_path / "cpu/cpu.cfs_quota_us").write_text("-1\n")
    return tmp_path


def made(root: Path) -> Iterator[Path]:
    """Folders of our groups."""
    return root.rglob("grisaille-bench-*")


def test_a_tenth_of_a_core_in_v2(v2: Path) -> None:
    with group("worker", 0.1, v2):
        (folder,) = made(v2)
        assert (folder / "cpu.max").read_text() == "1000 10000"
        assert (v2 / "cgroup.subtree_control").read_text() == "+cpu"


def test_a_controller_that_is_enabled_is_left_alone(v2: Path) -> None:
    (v2 / "cgroup.subtree_control").write_text("cpu memory\n")
    with group("worker", 0.1, v2):
        assert (v2 / "cgroup.subtree_control").read_text() == "cpu memory\n"


def test_two_fifths_of_a_core_in_v1(v1: Path) -> None:
    with group("gateway", 0.4, v1):
        cpu = next(made(v1 / "cpu"))
        assert (cpu / "cpu.cfs_period_us").read_text() == "10000"
        assert (cpu / "cpu.cfs_quota_us").read_text() == "4000"


def test_a_process_is_added_to_every_controller_of_v1(v1: Path) -> None:
    with group("worker", 0.1, v1) as one:
        one.add(42)
        assert [(folder / "cgroup.procs").read_text() for folder in made(v1)] == ["42", "42"]


def test_processor_time_of_v2_is_in_microseconds(v2: Path) -> None:
    with group("worker", 0.1, v2) as one:
        stat = "usage_usec 1500000\nuser_usec 1000000\nsystem_usec 500000\nnr_periods 0\n"
        (next(made(v2)) / "cpu.stat").write_text(stat)
        assert one.cpu_seconds() == 1.5


def test_processor_time_of_v1_is_in_nanoseconds(v1: Path) -> None:
    with group("worker", 0.1, v1) as one:
        (next(made(v1 / "cpuacct")) / "cpuacct.usage").write_text("2500000000\n")
        assert one.cpu_seconds() == 2.5


def test_v1_may_have_both_controllers_in_one_folder(tmp_path: Path) -> None:
    (tmp_path / "cpu").mkdir()
    (tmp_path / "cpu/cpu.cfs_quota_us").write_text("-1\n")
    (tmp_path / "cpuacct").symlink_to("cpu")
    with group("worker", 0.1, tmp_path) as one:
        one.add(42)
    assert not list(made(tmp_path))


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_whatever_happens_processes_go_back_and_the_group_goes(
    version: str, request: pytest.FixtureRequest
) -> None:
    root: Path = request.getfixturevalue(version)

    def fail() -> None:
        with group("worker", 0.1, root) as one:
            one.add(42)
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert not list(made(root))
    assert {file.read_text() for file in root.rglob("cgroup.procs")} == {"42"}


def test_a_machine_without_the_controller_is_told_so(tmp_path: Path) -> None:
    with pytest.raises(CgroupError, match="no cpu controller"), group("worker", 0.1, tmp_path):
        pass


def test_who_may_not_make_groups_is_told_so(v1: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object, **__: object) -> None:
        raise PermissionError("no")

    monkeypatch.setattr(Path, "mkdir", refused)
    with pytest.raises(CgroupError, match="root"), group("worker", 0.1, v1):
        pass


def test_a_group_that_stays_busy_is_an_error(v1: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def busy(_: Path) -> None:
        raise OSError(errno.EBUSY, "busy")

    monkeypatch.setattr(Path, "rmdir", busy)
    monkeypatch.setattr(cgroups, "_REMOVAL_SECONDS", 0.0)
    with pytest.raises(OSError, match="busy"), group("worker", 0.1, v1):
        pass
