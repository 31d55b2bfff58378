"""A program that ends wherever it touches the disk, to see what it leaves."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ssdgm_train.runs import metrics


class Killed(BaseException):
    """What stands for SIGKILL within the process."""


class Saboteur:
    """Ends the program at the n-th time that it touches the disk, before or half-way."""

    def __init__(self, patch: pytest.MonkeyPatch, fatal: int) -> None:
        self.fatal, self.count = fatal, 0
        for owner, name in (
            (os, "rename"),
            (os, "replace"),
            (os, "fsync"),
            (Path, "mkdir"),
            (metrics, "append"),
        ):
            patch.setattr(owner, name, self._before(getattr(owner, name)))
        self.remove = shutil.rmtree
        patch.setattr(shutil, "rmtree", self._half)

    def _touch(self) -> bool:
        self.count += 1
        return self.count == self.fatal

    def _before(self, action: Callable[..., Any]) -> Callable[..., Any]:
        def watched(*args: Any, **kwargs: Any) -> Any:  # noqa: ANN401
            if self._touch():
                raise Killed
            return action(*args, **kwargs)

        return watched

    def _half(self, path: Path, ignore_errors: bool = False) -> None:
        if path.exists() and self._touch():
            next(p for p in path.iterdir() if p.is_file()).unlink()
            raise Killed
        self.remove(path, ignore_errors=ignore_errors)
