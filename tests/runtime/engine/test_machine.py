import os
from pathlib import Path

import pytest

from ssdgm_runtime import errors
from ssdgm_runtime.engine import machine


def place(root: Path, name: str, text: str) -> None:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text + "\n")


@pytest.fixture
def plain(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Eight processors and no quota."""
    monkeypatch.setattr(machine, "affinity", lambda: 8)
    monkeypatch.setattr(machine, "quota", lambda: None)
    return monkeypatch


def test_what_the_caller_says_stands_over_everything(plain: pytest.MonkeyPatch) -> None:
    assert machine.threads(7, {"SSDGM_THREADS": "2"}) == 7


def test_the_variables_in_their_order(plain: pytest.MonkeyPatch) -> None:
    table = {"SSDGM_THREADS": "5", "ORT_INTRA_OP_NUM_THREADS": "6", "OMP_NUM_THREADS": "7,2"}
    found = []
    for name in machine.VARIABLES:
        found.append(machine.threads(None, table))
        del table[name]
    assert found == [5, 6, 7]
    assert machine.threads(None, {"SSDGM_THREADS": " "}) == 4


def test_the_process_environment_is_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSDGM_THREADS", "3")
    assert machine.threads() == 3


@pytest.mark.parametrize("bad", ["0", "-1", "two", "1.5", "0,2", "²"])
@pytest.mark.parametrize("name", machine.VARIABLES)
def test_a_variable_that_is_no_number(name: str, bad: object) -> None:
    with pytest.raises(errors.InputError, match=f"{name} is '{bad}'; expected a positive"):
        machine.threads(None, {name: bad})


@pytest.mark.parametrize("bad", [0, -1, 1.5, "2", True])
def test_an_argument_that_is_no_number(bad: object) -> None:
    with pytest.raises(errors.InputError, match="threads is"):
        machine.threads(bad)


@pytest.mark.parametrize(
    ("processors", "quota", "threads"),
    [(8, None, 4), (2, None, 2), (8, 1.5, 2), (8, 0.2, 1), (1, 6, 1)],
)
def test_the_least_of_affinity_quota_and_four(
    monkeypatch: pytest.MonkeyPatch, processors: int, quota: float, threads: int
) -> None:
    monkeypatch.setattr(machine, "affinity", lambda: processors)
    monkeypatch.setattr(machine, "quota", lambda: quota)
    assert machine.threads(None, {}) == threads


def test_no_quota(tmp_path: Path) -> None:
    assert machine.quota(tmp_path) is None
    place(tmp_path, "proc/self/cgroup", "0::/")
    place(tmp_path, "sys/fs/cgroup/cpu.max", "max 100000")
    assert machine.quota(tmp_path) is None


def test_the_quota_of_version_two(tmp_path: Path) -> None:
    place(tmp_path, "proc/self/cgroup", "0::/a/b")
    place(tmp_path, "sys/fs/cgroup/a/cpu.max", "150000 100000")
    assert machine.quota(tmp_path) == 1.5
    place(tmp_path, "sys/fs/cgroup/a/b/cpu.max", "300000 100000")
    assert machine.quota(tmp_path) == 1.5
    place(tmp_path, "sys/fs/cgroup/cpu.max", "50000 100000")
    assert machine.quota(tmp_path) == 0.5


@pytest.mark.parametrize("folder", ["cpu", "cpu,cpuacct"])
def test_the_quota_of_version_one(tmp_path: Path, folder: Path) -> None:
    place(tmp_path, "proc/self/cgroup", "5:memory:/x\n4:cpu,cpuacct:/docker/abc")
    place(tmp_path, f"sys/fs/cgroup/{folder}/cpu.cfs_quota_us", "-1")
    place(tmp_path, f"sys/fs/cgroup/{folder}/cpu.cfs_period_us", "100000")
    assert machine.quota(tmp_path) is None
    place(tmp_path, f"sys/fs/cgroup/{folder}/cpu.cfs_quota_us", "250000")
    assert machine.quota(tmp_path) == 2.5


def test_this_machine() -> None:
    assert 1 <= machine.affinity() <= (os.cpu_count() or 1)
    assert machine.cpu()
