"""Programs that fail wherever they touch the disk, and what they leave.

    PYTHONPATH=tests python tests/faults.py [--only train]

Every call of a short training run, of a conversion and of opening either fails, of a run in every
way: the process is killed; it is killed and what it had not synced is lost; the disk is full from
then on; the disk reports an error. What comes must be an error of ours (or nothing, of a process
that was killed), nothing that is there may be half of something, and the same once more must come
to the same bits. The tests try each kind of call once, this script all of them, in half an hour.
"""

import argparse
import builtins
import contextlib
import errno
import io
import os
import shutil
import sys
import tempfile
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cases
import numpy as np
import pytest

import ssdgm_export
import ssdgm_runtime
import ssdgm_train
from ssdgm_runtime import atomic, errors

WAYS = ("killed", "lost", "full", "broken")
ROOT = Path(__file__).parents[1]
OURS = tuple(str(ROOT / part) for part in ("runtime", "train", "ssdgm_export"))
TINY = Path(__file__).parent / "runtime/data/tiny.ssdgm"


class Killed(BaseException):
    """What stands for SIGKILL within the process."""


class Faults:
    """Fails the n-th time that a folder is touched, in a way.

    Args:
        patch: Replaces the calls.
        root: The folder.
        fatal: Which time, from 1; 0 only counts.
        way: One of `WAYS`.
    """

    def __init__(self, patch: pytest.MonkeyPatch, root: Path, fatal: int, way: str) -> None:
        self.root, self.fatal, self.way = str(root), fatal, way
        self.kinds: list[str] = []
        self.synced = dict(self._files())
        for owner, name in ((os, "rename"), (os, "replace"), (os, "unlink"), (Path, "mkdir")):
            patch.setattr(owner, name, self._before(getattr(owner, name)))
        self.real_open, self.real_sync, self.real_remove = open, os.fsync, shutil.rmtree
        for owner in (builtins, io):
            patch.setattr(owner, "open", self._open)
        patch.setattr(os, "fsync", self._sync)
        patch.setattr(shutil, "rmtree", self._remove)

    @property
    def struck(self) -> bool:
        """Whether the time has come."""
        return 0 < self.fatal <= len(self.kinds)

    def _touch(self, call: str, *, takes_room: bool = False) -> None:
        if self.struck and self.way in ("killed", "lost"):
            raise Killed  # a process that is gone does nothing more
        own = [f for f in traceback.extract_stack() if f.filename.startswith(OURS)]
        where = ">".join(f"{Path(f.filename).name}:{f.lineno}" for f in own[-3:])
        self.kinds.append(f"{call} {where}")
        full = self.struck and self.way == "full" and takes_room
        if len(self.kinds) != self.fatal and not full:
            return
        if self.way in ("killed", "lost"):
            if self.way == "lost":
                self._lose()
            raise Killed
        code = errno.EIO if self.way == "broken" else errno.ENOSPC
        if full or self.way == "broken":
            raise OSError(code, os.strerror(code))

    def _inside(self, path: object) -> bool:
        return isinstance(path, str | os.PathLike) and os.fspath(path).startswith(self.root)

    def _before(self, action: Callable[..., Any]) -> Callable[..., Any]:
        def watched(path: Any, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401
            if self._inside(path):
                self._touch(action.__name__, takes_room=action.__name__ == "mkdir")
            return action(path, *args, **kwargs)

        return watched

    def _open(self, file: Any, mode: str = "r", *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401
        if self._inside(file) and set(mode) & set("wxa+"):
            try:
                self._touch("open", takes_room=True)
            except BaseException:
                if len(self.kinds) == self.fatal:  # it was made, and nothing written
                    self.real_open(file, mode, *args, **kwargs).close()
                raise
        return self.real_open(file, mode, *args, **kwargs)

    def _sync(self, handle: int) -> None:
        if self._inside(os.readlink(f"/proc/self/fd/{handle}")):
            self._touch("fsync", takes_room=True)
            status = os.fstat(handle)
            self.synced[status.st_ino] = (status.st_mtime_ns, status.st_size)
        self.real_sync(handle)

    def _remove(self, path: Path, ignore_errors: bool = False, **more: Any) -> None:  # noqa: ANN401
        if not (self._inside(path) and Path(path).exists()):
            self.real_remove(path, ignore_errors, **more)
            return
        try:
            self._touch("rmtree")
        except OSError:
            if not ignore_errors:
                raise
            return
        except Killed:
            if len(self.kinds) == self.fatal:  # half of it is gone
                for place in [p for p in Path(path).iterdir() if p.is_file()][:1]:
                    os.remove(place)
            raise
        for place in Path(path).rglob("*"):  # as rmtree does, but this is one touch
            self.synced.pop(place.lstat().st_ino, None)
        names = {"unlink": os.remove}  # not the watched one
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(os, "unlink", names["unlink"])
            self.real_remove(path, ignore_errors, **more)

    def _files(self) -> Iterator[tuple[int, tuple[int, int]]]:
        for folder, _, files in os.walk(self.root):
            for name in files:
                status = os.lstat(os.path.join(folder, name))
                yield status.st_ino, (status.st_mtime_ns, status.st_size)

    def _lose(self) -> None:
        """Cut what was written to files and not synced in half, as a loss of power may."""
        for folder, _, files in os.walk(self.root):
            for name in files:
                path = os.path.join(folder, name)
                status = os.lstat(path)
                when, safe = self.synced.get(status.st_ino, (0, 0))
                if (when, safe) != (status.st_mtime_ns, status.st_size):
                    os.truncate(path, safe + max(0, status.st_size - safe) // 2)


def struck(
    root: Path, fatal: int, way: str, act: Callable[[], object]
) -> tuple[Faults, BaseException | None]:
    """Act with a fault; the faults, and what was raised.

    Raises:
        AssertionError: Something else than an error of ours came of it.
    """
    with pytest.MonkeyPatch.context() as patch:
        faults = Faults(patch, root, fatal, way)
        try:
            act()
        except (Killed, errors.SsdgmError) as error:
            return faults, error
        except Exception as error:
            kind = faults.kinds[fatal - 1]
            raise AssertionError(f"{way} at {kind}: {type(error).__name__}: {error}") from error
    return faults, None


def firsts(root: Path, act: Callable[[], object]) -> list[int]:
    """The first touch of every kind."""
    kinds = struck(root, 0, WAYS[0], act)[0].kinds
    return [kinds.index(kind) + 1 for kind in dict.fromkeys(kinds)]


def every(root: Path, act: Callable[[], object]) -> list[int]:
    """All touches."""
    return [*range(1, len(struck(root, 0, WAYS[0], act)[0].kinds) + 1)]


@contextlib.contextmanager
def another_process() -> Iterator[None]:
    """Go on as a process that is not the one which was killed."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(atomic, "_alive", lambda _: False)
        yield


class Training:
    """A short run, and what it comes to where nothing fails."""

    def __init__(self, folder: Path, *changes: str) -> None:
        self.folder, self.changes = folder, changes
        data = cases.separable("bernoulli-uint8", 60, test=30)
        self.source = cases.saved(folder / "set.npz", data)
        (folder / "whole").mkdir()
        self.run(folder / "whole/run")
        self.expected = cases.outcome(folder / "whole/run")

    def run(self, out: Path) -> None:
        """Begin a run or go on with it, to its end."""
        if out.exists():
            session = ssdgm_train.resume(out)
        else:
            plan = cases.small_recipe("m2", "run.select=best", "data.validation=30", *self.changes)
            session = ssdgm_train.begin(self.source, plan, out, labelled=12, seed=3, device="cpu")
        list(ssdgm_train.train(session))

    def fails(self, fatal: int, way: str) -> None:
        """Fail once, and go on; the run must end with the same bits."""
        root = self.folder / f"{way}-{fatal}"
        root.mkdir()
        faults, _ = struck(root, fatal, way, lambda: self.run(root / "run"))
        where = f"{way} at touch {fatal}, {faults.kinds[fatal - 1]}"
        if (root / "run/result.json").exists():
            assert cases.outcome(root / "run") == self.expected, where
        with another_process():
            self.run(root / "run")
        assert cases.outcome(root / "run") == self.expected, where
        assert not list(root.rglob(".*.part")), where
        shutil.rmtree(root)


class Writing:
    """Something that makes one file or folder, and what it comes to where nothing fails."""

    def __init__(self, folder: Path, name: str, write: Callable[[Path], object]) -> None:
        self.folder, self.name, self.write = folder, name, write
        (folder / "whole").mkdir()
        write(folder / "whole" / name)
        self.expected = contents(folder / "whole")

    def fails(self, fatal: int, way: str) -> None:
        """Fail once, and write again; what is there in between is nothing, or all of it."""
        root = self.folder / f"{way}-{fatal}"
        root.mkdir()
        faults, error = struck(root, fatal, way, lambda: self.write(root / self.name))
        where = f"{way} at touch {fatal}, {faults.kinds[fatal - 1]}"
        there = {k: v for k, v in contents(root).items() if not k.startswith(".")}
        assert there in ({}, self.expected), where
        if isinstance(error, errors.SsdgmError) or not there:
            with contextlib.suppress(errors.OutputExists), another_process():
                self.write(root / self.name)
        assert (there or contents(root)) == self.expected, where
        shutil.rmtree(root)


def contents(folder: Path) -> dict[str, bytes]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


class Reads:
    """Reports an error of the disk the n-th time that something of a folder is read."""

    def __init__(self, patch: pytest.MonkeyPatch, root: Path, fatal: int) -> None:
        self.root, self.fatal, self.count = str(root), fatal, 0
        self.real_open = open
        for name in ("open", "scandir", "stat", "lstat"):
            patch.setattr(os, name, self._before(getattr(os, name)))
        patch.setattr(os, "fstat", self._always(os.fstat))
        for owner in (builtins, io):
            patch.setattr(owner, "open", self._open)

    def _touch(self) -> None:
        self.count += 1
        if self.count == self.fatal:
            raise OSError(errno.EIO, os.strerror(errno.EIO))

    def _inside(self, path: object) -> bool:
        return isinstance(path, str | os.PathLike) and os.fspath(path).startswith(self.root)

    def _before(self, action: Callable[..., Any]) -> Callable[..., Any]:
        def watched(path: Any = ".", *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401
            if self._inside(path):
                self._touch()
            return action(path, *args, **kwargs)

        return watched

    def _always(self, action: Callable[[int], Any]) -> Callable[[int], Any]:
        def watched(handle: int) -> Any:  # noqa: ANN401
            if self._inside(os.readlink(f"/proc/self/fd/{handle}")):
                self._touch()
            return action(handle)

        return watched

    def _open(self, file: Any, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401
        name = os.readlink(f"/proc/self/fd/{file}") if isinstance(file, int) else file
        if not self._inside(name):
            return self.real_open(file, *args, **kwargs)
        self._touch()
        return _Stream(self.real_open(file, *args, **kwargs), self._touch)


class _Stream:
    """A file whose reads are touches."""

    def __init__(self, stream: Any, touch: Callable[[], None]) -> None:  # noqa: ANN401
        self.stream, self.touch = stream, touch

    def read(self, *args: int) -> Any:  # noqa: ANN401
        self.touch()
        return self.stream.read(*args)

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401
        return getattr(self.stream, name)

    def __enter__(self) -> "_Stream":
        return self

    def __exit__(self, *_: object) -> None:
        self.stream.close()


def loading(bundle: Path, step: int = 1) -> int:
    """Fail at the reads of a bundle that is opened, verified and used; as of `reading`."""
    x = np.zeros((2, 4, 4), np.uint8)

    def use() -> np.ndarray:
        with ssdgm_runtime.load(bundle, provider="cpu", threads=1, verify=True) as model:
            assert model.verify().passed
            probs: np.ndarray = model.predict_proba(x)
            return probs

    wanted = use()
    return reading(bundle, use, lambda probs: np.array_equal(probs, wanted), step)


def reading(
    root: Path,
    use: Callable[[], Any],
    fine: Callable[[Any], bool],
    step: int = 1,
    prepare: Callable[[], object] = lambda: None,
) -> int:
    """Fail at every so many reads of what lies in a folder; how many reads there are.

    Args:
        root: The folder.
        use: Reads it.
        fine: Whether what that gives is as it should be.
        step: Every how many reads.
        prepare: Makes the folder anew, before each of them.

    Raises:
        AssertionError: Something else than an error of ours came of it, or not what is fine.
    """
    fatal = 1 - step
    while True:
        fatal += step
        prepare()
        with pytest.MonkeyPatch.context() as patch:
            reads = Reads(patch, root, fatal)
            try:
                result = use()
            except errors.SsdgmError as error:
                assert len(str(error)) < 1000  # noqa: PT017  (it is one that was wanted)
                continue
            except Exception as error:
                told = "".join(traceback.format_exception(error)[-8:])
                raise AssertionError(f"read {fatal}: {told}") from error
        assert fine(result), f"another answer at read {fatal}"
        if reads.count < fatal:
            return reads.count


def resuming(run: Path, step: int = 1) -> int:
    """Fail at reads of a run that is opened again, a copy each time; as of `reading`."""
    copy = run.with_name("read")

    def prepare() -> None:
        shutil.rmtree(copy, ignore_errors=True)
        shutil.copytree(run, copy)

    return reading(copy, lambda: ssdgm_train.resume(copy), bool, step, prepare)


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", choices=("train", "convert", "load"), action="append")
    given = parser.parse_args(argv).only or ("train", "convert", "load")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if "load" in given:
            _say(f"load: {loading(shutil.copytree(TINY, folder / 'b.ssdgm'))} reads")
        training = Training(folder)
        run, made = folder / "whole/run", folder / "read.ssdgm"

        def convert() -> bool:
            shutil.rmtree(made, ignore_errors=True)
            return ssdgm_export.convert(run, made).path == made

        if "train" in given:
            _say(f"resume: {resuming(run)} reads")
            (folder / "count").mkdir()
            touches = every(folder / "count", lambda: training.run(folder / "count/run"))
            for way in WAYS:
                for fatal in touches:
                    training.fails(fatal, way)
                _say(f"train, {way}: {len(touches)} touches")
        if "convert" in given:
            _say(f"convert: {reading(run, convert, bool)} reads")
        for suffix in ("ssdgm", "ssdgm.zip") if "convert" in given else ():
            _convert(folder / suffix, folder / "whole/run")
    return 0


def _convert(folder: Path, run: Path) -> None:
    """Convert a run, with every fault in turn."""
    folder.mkdir()
    writing = Writing(folder, f"a.{folder.name}", lambda out: ssdgm_export.convert(run, out))
    (folder / "count").mkdir()
    touches = every(folder / "count", lambda: writing.write(folder / "count" / writing.name))
    for fatal in touches:
        writing.fails(fatal, WAYS[fatal % len(WAYS)])
    _say(f"convert to {folder.name}: {len(touches)} touches, each in one way")


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
