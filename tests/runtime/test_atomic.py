import os
from pathlib import Path
from typing import Never

import pytest

from ssdgm_runtime import atomic, errors


def test_writes_whole_files(tmp_path: Path) -> None:
    atomic.write(tmp_path / "a", b"data")
    assert (tmp_path / "a").read_bytes() == b"data"
    assert os.listdir(tmp_path) == ["a"]


def test_what_a_user_had_stays(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"mine")
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    for name in ("a", "link", "."):
        with pytest.raises(errors.OutputExists, match="exists already"):
            atomic.write(tmp_path / name, b"data")
    assert (tmp_path / "a").read_bytes() == b"mine"
    atomic.write(tmp_path / "a", b"data", force=True)
    assert (tmp_path / "a").read_bytes() == b"data"


def test_a_folder_is_never_replaced(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    with pytest.raises(errors.OutputExists):
        atomic.write(tmp_path / "a", b"data", force=True)


def test_no_folder_to_write_to(tmp_path: Path) -> None:
    with pytest.raises(errors.DataNotFound, match="there is no folder"):
        atomic.write(tmp_path / "b" / "a", b"data")


def test_a_failure_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> Never:
        raise OSError("no space left")

    (tmp_path / "a").write_bytes(b"mine")
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="no space"):
        atomic.write(tmp_path / "a", b"data", force=True)
    assert os.listdir(tmp_path) == ["a"]
    assert (tmp_path / "a").read_bytes() == b"mine"
