import errno
import os
import stat
import subprocess
import sys
from pathlib import Path
from typing import Never

import pytest

from ssdgm_runtime import atomic, errors
from ssdgm_runtime.console import commands


def test_writes_whole_files(tmp_path: Path) -> None:
    atomic.write(tmp_path / "a", b"data")
    assert (tmp_path / "a").read_bytes() == b"data"
    assert os.listdir(tmp_path) == ["a"]


def test_what_a_user_had_stays(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"mine")
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    for name in ("a", "link", "."):
        with pytest.raises(errors.OutputExists, match="already exists"):
            atomic.write(tmp_path / name, b"data")
    assert (tmp_path / "a").read_bytes() == b"mine"
    atomic.write(tmp_path / "a", b"data", force=True)
    assert (tmp_path / "a").read_bytes() == b"data"


def test_what_is_read_is_no_place_for_what_is_written(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "rows.csv").write_bytes(b"mine")
    (tmp_path / "link").symlink_to(tmp_path / "data" / "rows.csv")
    (tmp_path / "folder").symlink_to(tmp_path / "data")
    os.link(tmp_path / "data" / "rows.csv", tmp_path / "twin")
    (tmp_path / "data" / "out").symlink_to(tmp_path / "elsewhere")
    rows, data = tmp_path / "data" / "rows.csv", tmp_path / "data"
    for one, other in ((rows, rows), (tmp_path / "link", rows), (rows, tmp_path / "link")):
        with pytest.raises(errors.InputError, match=r"which is the data; expected another path"):
            atomic.apart(one, data=other)
    with pytest.raises(errors.InputError, match=r"which is the data"):
        atomic.apart(tmp_path / "twin", data=rows)
    for name in ("data/new", "folder/deep/new", "link", "data/out", "folder/../data/new"):
        with pytest.raises(errors.InputError, match=r"inside the data; expected a path outside"):
            atomic.apart(tmp_path / name, bundle=None, data=data)
    atomic.apart(tmp_path / "data.csv", data=data, bundle=tmp_path / "nowhere")
    assert rows.read_bytes() == b"mine"


def test_a_folder_is_never_replaced(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    with pytest.raises(errors.OutputExists):
        atomic.write(tmp_path / "a", b"data", force=True)


def test_no_folder_to_write_to(tmp_path: Path) -> None:
    with pytest.raises(errors.DataNotFound, match="There is no folder"):
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


def fill(partial: Path, text: str = "data", error: type[BaseException] | None = None) -> None:
    (partial / "deep").mkdir()
    (partial / "deep" / "a").write_text(text)
    (partial / "b").write_text(text)
    if error:
        raise error


def race(partial: Path, target: Path) -> None:
    """Make a draft while somebody else makes what it is for."""
    for path, text in ((partial, "mine"), (target, "theirs")):
        path.mkdir(exist_ok=True)
        (path / text).write_text(text)


def test_a_folder_appears_when_it_is_whole(tmp_path: Path) -> None:
    with atomic.folder(tmp_path / "made") as partial:
        assert partial.parent == tmp_path
        assert partial.match(atomic.LEFTOVERS)
        assert os.listdir(partial) == []
        fill(partial)
        assert not (tmp_path / "made").exists()
    assert os.listdir(tmp_path) == ["made"]
    assert (tmp_path / "made/deep/a").read_text() == "data"


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit])
@pytest.mark.parametrize("replace", [False, True])
def test_a_folder_that_fails_leaves_nothing(
    tmp_path: Path, error: type[BaseException], replace: bool
) -> None:
    if replace:
        (tmp_path / "made").mkdir()
        fill(tmp_path / "made", "before")
    with pytest.raises(error), atomic.folder(tmp_path / "made", replace=replace) as partial:
        fill(partial, error=error)
    assert os.listdir(tmp_path) == (["made"] if replace else [])
    assert not replace or (tmp_path / "made/b").read_text() == "before"


def test_what_is_there_is_replaced_on_request_only(tmp_path: Path) -> None:
    (tmp_path / "made").mkdir()
    (tmp_path / "made" / "old").write_text("old")
    with pytest.raises(errors.OutputExists), atomic.folder(tmp_path / "made"):
        pytest.fail("the body must not run")
    with atomic.folder(tmp_path / "made", replace=True) as partial:
        fill(partial)
        assert (tmp_path / "made/old").exists()
    assert os.listdir(tmp_path) == ["made"]
    assert sorted(os.listdir(tmp_path / "made")) == ["b", "deep"]


def test_what_appears_meanwhile_stays(tmp_path: Path) -> None:
    with pytest.raises(errors.OutputExists), atomic.folder(tmp_path / "made") as partial:
        race(partial, tmp_path / "made")
    assert os.listdir(tmp_path) == ["made"]
    assert os.listdir(tmp_path / "made") == ["theirs"]


def test_a_file_and_a_folder_do_not_replace_each_other(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    (tmp_path / "made").mkdir()
    with pytest.raises(errors.OutputExists), atomic.folder(tmp_path / "file", replace=True):
        pass
    with (
        pytest.raises(errors.OutputExists),
        atomic.draft(tmp_path / "made", replace=True) as partial,
    ):
        partial.write_text("data")
    assert (tmp_path / "file").read_text() == "mine"
    assert sorted(os.listdir(tmp_path)) == ["file", "made"]


def test_a_folder_whose_successor_cannot_be_renamed_comes_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "made").mkdir()
    fill(tmp_path / "made", "before")
    rename = os.rename

    def refuse(source: Path, target: Path) -> None:
        if (source / "new").exists():
            raise PermissionError("no")
        rename(source, target)

    monkeypatch.setattr(os, "rename", refuse)
    with (
        pytest.raises(PermissionError),
        atomic.folder(tmp_path / "made", replace=True) as partial,
    ):
        (partial / "new").write_text("new")
    assert os.listdir(tmp_path) == ["made"]
    assert (tmp_path / "made/b").read_text() == "before"


def test_every_file_and_folder_is_brought_to_disk_before_the_rename(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced, fsync = [], os.fsync

    def watch(handle: int) -> None:
        synced.append((os.fstat(handle).st_ino, (tmp_path / "made").exists()))
        fsync(handle)

    monkeypatch.setattr(os, "fsync", watch)
    with atomic.folder(tmp_path / "made") as partial:
        fill(partial)
    inside = [tmp_path / "made", *(tmp_path / "made").rglob("*")]
    assert sorted(synced) == sorted(
        [*((path.stat().st_ino, False) for path in inside), (tmp_path.stat().st_ino, True)]
    )


def test_no_folder_to_make_it_in(tmp_path: Path) -> None:
    with (
        pytest.raises(errors.DataNotFound, match="There is no folder"),
        atomic.folder(tmp_path / "b" / "a"),
    ):
        pytest.fail("the body must not run")


def test_a_disk_that_flushes_no_folder_is_no_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(handle: int) -> None:
        if os.path.isdir(f"/dev/fd/{handle}"):
            raise OSError("no folders here")

    monkeypatch.setattr(os, "fsync", refuse)
    with atomic.folder(tmp_path / "made") as partial:
        fill(partial)
        (partial / "link").symlink_to("nowhere")
    assert os.listdir(tmp_path) == ["made"]


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_takes_nothing_is_an_error_before_the_work(tmp_path: Path) -> None:
    (tmp_path / "shut").mkdir(mode=0o555)
    with pytest.raises(errors.NotWritable, match="Cannot write to the folder"):
        atomic.claim(tmp_path / "shut" / "a.png")


def test_a_folder_that_takes_nothing_is_told_by_the_system(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "access", lambda *_: False)
    with pytest.raises(errors.NotWritable, match="Cannot write to the folder"):
        atomic.claim(tmp_path / "a.png")


def test_an_error_of_the_file_system_names_the_place_and_not_its_draft() -> None:
    hidden = "/runs/.a.4711-0123abcd.part"
    found, code = commands.failure(OSError(28, "No space left on device", hidden))
    assert found["error"]["found"] == "/runs/a: No space left on device"
    assert found["error"]["mend"]
    assert code == 2


def test_what_a_killed_process_left_is_removed_when_the_same_is_made_again(
    tmp_path: Path,
) -> None:
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    left = tmp_path / f".a.{dead.pid}-0123abcd.part"
    left.mkdir()
    (left / "weights").write_bytes(b"half")
    kept = [f".a.{os.getpid()}-0123abcd.part", f".b.{dead.pid}-0123abcd.part", ".a.part"]
    for name in kept:
        (tmp_path / name).write_bytes(b"")
    atomic.write(tmp_path / "a", b"data")
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted(["a", *kept])


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EIO, errno.EDQUOT])
@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_a_full_or_broken_disk_names_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str, code: int
) -> None:
    def fail(*_: object) -> Never:
        raise OSError(code, os.strerror(code))

    (tmp_path / "a").write_bytes(b"mine")
    with monkeypatch.context() as patch:
        patch.setattr(os, call, fail)
        with pytest.raises(errors.WriteFailed) as caught:
            atomic.write(tmp_path / "a", b"data", force=True)
    assert str(caught.value).startswith(f"Cannot write {tmp_path / 'a'} ({os.strerror(code)}).")
    assert isinstance(caught.value, OSError)
    assert os.listdir(tmp_path) == ["a"]
    assert (tmp_path / "a").read_bytes() == b"mine"
    assert commands.failure(caught.value)[1] == 2
    assert str(tmp_path / "a") in commands.failure(caught.value)[0]["error"]["message"]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
@pytest.mark.parametrize("name", ["pipe", "link"])
def test_a_device_or_a_pipe_is_never_replaced(tmp_path: Path, name: str) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to("pipe")
    for make in (atomic.claim, lambda path, force: atomic.write(path, b"x", force=force)):
        with pytest.raises(errors.OutputExists, match="this is a device or a pipe"):
            make(tmp_path / name, force=True)  # type: ignore[operator]
    with (
        pytest.raises(errors.OutputExists, match="a device or a pipe"),
        atomic.folder(tmp_path / name, replace=True),
    ):
        pass
    assert stat.S_ISFIFO((tmp_path / "pipe").stat().st_mode)
