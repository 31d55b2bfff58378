"""The run directory: everything a run knows, in safetensors and JSON; nothing pickled, ever.

    run.json                       recipe, seed, data, split digest, problem, environment
    recipe.toml                    the recipe again, to read and to use for another run
    place.txt                      where the data lies on this machine; not needed where it was
    split.npz                      indices of labelled, unlabelled and validation rows
    metrics.jsonl                  one record a validation
    checkpoints/step-00000500/     weights, optimiser, random state, state.json; the newest two
    checkpoints/best-00000300/     the weights with the lowest validation NLL so far
    taught/                        what teachers say of every row, see `fitting`
    baseline/                      a run directory of its own: the baseline's network
    result.json                    written once, at the end

Files and folders appear whole, by a rename within the directory, so a run that is killed at any
moment can be resumed.
"""

import contextlib
import os
import shutil
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import numpy as np
from torch import nn

from ssdgm_runtime import atomic, errors
from ssdgm_runtime.readers import inputs
from ssdgm_train.data.draws import compact
from ssdgm_train.data.split import Split
from ssdgm_train.labels import lookup
from ssdgm_train.runs import records, storage
from ssdgm_train.runs.records import RunError
from ssdgm_train.runs.storage import write_json
from ssdgm_train.training import loop

__all__ = ["Run", "RunError", "create", "restore", "save", "write_json"]

PARTS = ("labelled", "unlabelled", "validation")
AVERAGE = "average"  # the file of running averages of weights, in checkpoints that have some


@dataclass(frozen=True)
class Run:
    """A run directory."""

    path: Path

    def read(self) -> records.RunRecord:
        """`run.json`.

        Raises:
            RunError: The folder is no run directory.
        """
        path = self.path / "run.json"
        about = records.load(path, records.Versioned)
        if about.format != records.FORMAT:
            raise RunError(
                f"{path} is of another format ({about.format or 'none is stated'})",
                f"format {records.FORMAT}",
                "Use the version of ssdgm-train that wrote it.",
            )
        if about.labels_from:
            lookup.find(about.labels_from)
        return records.load(path, records.RunRecord)

    def split(self) -> Split:
        """The split's indices.

        Raises:
            RunError: They are not those that the run began with.
        """
        arrays = inputs.read_npz(self.path / "split.npz", PARTS)
        parts = Split(*(compact(arrays[k]) for k in PARTS))
        if parts.digest != self.read().split:
            raise RunError(
                f"{self.path / 'split.npz'} has changed since the run began", mend=records.RESTORE
            )
        return parts

    @property
    def result(self) -> records.Result | None:
        """`result.json`, once the run has ended."""
        path = self.path / "result.json"
        return records.load(path, records.Result) if path.exists() else None

    @property
    def latest(self) -> Path | None:
        """The newest checkpoint."""
        return next(iter(self.checkpoints), None)

    @property
    def checkpoints(self) -> list[Path]:
        """Those to go on from, the newest first."""
        return storage.checkpoints(self.path / "checkpoints")

    @property
    def best(self) -> Path | None:
        """The checkpoint with the lowest validation NLL."""
        return next(iter(storage.checkpoints(self.path / "checkpoints", "best")), None)

    @property
    def step(self) -> int:
        """The step of the newest checkpoint; 0 without any."""
        return int(self.latest.name.removeprefix("step-")) if self.latest else 0

    def chosen(self, select: str) -> Path:
        """The checkpoint that the recipe's `training.select` asks for.

        Raises:
            RunError: There is none yet.
        """
        checkpoint = self.best if select == "best" else self.latest
        if checkpoint is None:
            raise RunError(
                f"{self.path} has no checkpoint yet", mend=f"Continue with: {_again(self.path)}"
            )
        return checkpoint


def _again(path: Path) -> str:
    return errors.command("ssdgm-export", "train", "--resume", path)


def ended(run: Run) -> records.Result:
    """`result.json` of a run that has ended.

    Raises:
        RunError: It has not.
    """
    result = run.result
    if result is None:
        raise RunError(f"{run.path} has not ended", mend=f"Continue with: {_again(run.path)}")
    return result


def check_new(path: Path) -> None:
    """Check that a run directory may be made, before the work that it is for.

    Raises:
        OutputExists: Something is there already.
    """
    if path.exists():
        raise errors.OutputExists(
            f"{path} already exists", mend=f"Give another --out, or continue with: {_again(path)}"
        )


def create(
    path: Path,
    record: records.RunRecord,
    split: Split,
    texts: Mapping[str, str] = MappingProxyType({}),
    first: tuple[nn.Module, loop.State] | None = None,
) -> Run:
    """Make a run directory, whole or not at all.

    Args:
        path: The directory.
        record: `run.json`.
        split: The split.
        texts: Files for people.
        first: What to begin with, as a checkpoint, where the seed alone does not give it back.

    Raises:
        OutputExists: Something is there already.
        RunError: Nothing can be written there.
    """
    check_new(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RunError(
            f"{path} cannot be made ({error})", mend="Give another --out that you may write to."
        ) from None
    with atomic.folder(path) as partial:
        write_json(partial / "run.json", record)
        for name, text in texts.items():
            (partial / name).write_text(text, encoding="utf-8")
        np.savez(partial / "split.npz", **{k: getattr(split, k) for k in PARTS})
        (partial / "checkpoints").mkdir()
        if first:
            save(Run(partial), *first)
    return Run(path)


def save(run: Run, model: nn.Module, state: loop.State, best: float | None = None) -> None:
    """Write the checkpoint of a step, then drop the older ones.

    Args:
        run: The run.
        model: Its model.
        state: Where it is.
        best: The lowest validation NLL so far.
    """
    files = {
        "weights": model.state_dict(),
        "optimiser": storage.optimiser_tensors(state.optimisers),
        "random": {"generator": state.generator.get_state()},
        **({AVERAGE: state.averages} if state.averages else {}),
    }
    folder = run.path / "checkpoints" / f"step-{state.step:08d}"
    storage.save_tensors(folder, files, records.State(state.step, best))
    tidy(run)


def save_best(run: Run, model: nn.Module, step: int) -> None:
    """Write the weights of the best step so far, then drop the former ones."""
    files = {"weights": model.state_dict()}
    folder = run.path / "checkpoints" / f"best-{step:08d}"
    storage.save_tensors(folder, files, records.State(step))
    tidy(run)


@contextlib.contextmanager
def locked(run: Run) -> Iterator[None]:
    """Work on a run alone; the system lifts the lock of a process that is killed.

    Raises:
        RunError: Another process works on it.
    """
    if sys.platform == "win32":  # it has no such lock for a folder
        yield
        return
    import fcntl

    handle = os.open(run.path, os.O_RDONLY)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise RunError(
                f"Another process is working on {run.path}", mend="Wait for it, or stop it."
            ) from None
        yield
    finally:
        os.close(handle)


@contextlib.contextmanager
def reading(run: Run) -> Iterator[None]:
    """Whatever cannot be made of a run's files is a `RunError` that names the run."""
    try:
        yield
    except errors.SsdgmError:
        raise
    except (LookupError, TypeError, ValueError, AttributeError, RuntimeError, OSError) as error:
        raise storage.damaged(run.path, error) from None


def tidy(run: Run) -> None:
    """Drop all checkpoints but the newest and the best, and what a killed run left unfinished."""
    folder = run.path / "checkpoints"
    old = [*run.checkpoints[storage.KEPT :], *storage.checkpoints(folder, "best")[1:]]
    for path in old:
        atomic.discard(path)
    for path in (*folder.glob(atomic.LEFTOVERS), *run.path.glob(atomic.LEFTOVERS)):
        shutil.rmtree(path) if path.is_dir() else path.unlink()


def restore(folder: Path, model: nn.Module, state: loop.State) -> records.State:
    """Load a checkpoint into a model and a fresh state; returns its `state.json`."""
    _load(folder, "weights", model)
    if state.averages:
        state.averages |= storage.load_tensors(folder, AVERAGE)
    storage.load_optimisers(storage.load_tensors(folder, "optimiser"), state.optimisers)
    state.generator.set_state(storage.load_tensors(folder, "random")["generator"])
    saved = records.load(folder / storage.STATE, records.State)
    state.step = saved.step
    return saved


def load_weights(folder: Path, model: nn.Module) -> None:
    """Load the weights of a checkpoint that are to be used: averages, where it has some.

    Raises:
        RunError: They are damaged or belong to another model.
    """
    _load(folder, "weights", model)
    if AVERAGE in records.load(folder / storage.STATE, records.State).sha256:
        _load(folder, AVERAGE, model)


def _load(folder: Path, stem: str, model: nn.Module) -> None:
    """Load a checkpoint's file of weights, or of some of them; raises as `load_weights`."""
    try:
        tensors = storage.load_tensors(folder, stem)
        model.load_state_dict({**model.state_dict(), **tensors} if stem == AVERAGE else tensors)
    except RuntimeError as error:
        reason = " ".join(str(error).split())
        raise RunError(
            f"{folder} does not fit the run's recipe ({reason})", mend=records.RESTORE
        ) from None
