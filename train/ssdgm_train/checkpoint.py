"""The run directory: everything a run knows, in safetensors and JSON; nothing pickled, ever.

    run.json                       recipe, seed, data, split digest, problem, environment
    recipe.toml                    the recipe again, to read and to use for another run
    split.npz                      indices of labelled, unlabelled and validation rows
    metrics.jsonl                  one record a validation
    checkpoints/step-00000500/     weights, optimiser and random state, with scalars in state.json
    checkpoints/best-00000300/     the weights with the lowest validation NLL so far
    result.json                    written once, at the end

Files and folders appear whole, by a rename within the directory, so a run that is killed at any
moment can be resumed.
"""

import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import safetensors
import safetensors.torch
import torch
from torch import Tensor, nn

from ssdgm_runtime import atomic, errors, inputs
from ssdgm_train import fit
from ssdgm_train.data.split import Split

Json = dict[str, Any]
FORMAT = 1
PARTS = ("labelled", "unlabelled", "validation")


class RunError(errors.SsdgmError, ValueError):
    """A run directory that cannot be used."""


@dataclass(frozen=True)
class Run:
    """A run directory."""

    path: Path

    def read(self) -> Json:
        """`run.json`.

        Raises:
            RunError: The folder is no run directory.
        """
        found = _read_json(self.path / "run.json")
        if found.get("format") != FORMAT:
            raise RunError(
                f"{self.path / 'run.json'} is of no known format",
                f"format {FORMAT}, as this ssdgm-train writes it",
            )
        return found

    def split(self) -> Split:
        """The split's indices.

        Raises:
            RunError: They are not those that the run began with.
        """
        found = inputs.read_npz(self.path / "split.npz", PARTS)
        parts = Split(*(found[k].astype(np.int64) for k in PARTS))
        if parts.digest != self.read()["split"]:
            raise RunError(
                f"{self.path / 'split.npz'} has changed", "the rows that run.json states"
            )
        return parts

    @property
    def result(self) -> Json | None:
        """`result.json`, once the run has ended."""
        path = self.path / "result.json"
        return _read_json(path) if path.exists() else None

    @property
    def latest(self) -> Path | None:
        """The newest checkpoint."""
        return _newest(self.path, "step-*")

    @property
    def best(self) -> Path | None:
        """The checkpoint with the lowest validation NLL."""
        return _newest(self.path, "best-*")

    def chosen(self, select: str) -> Path:
        """The checkpoint that the recipe's `run.select` asks for.

        Raises:
            RunError: There is none yet.
        """
        found = self.best if select == "best" else self.latest
        if found is None:
            raise RunError(
                f"{self.path} has no checkpoint yet",
                "a run with at least one",
                f"Go on with: ssdgm-export train --resume {self.path}",
            )
        return found


def check_new(path: Path) -> None:
    """Check that a run directory may be made, before the work that it is for.

    Raises:
        OutputExists: Something is there already.
    """
    if path.exists():
        raise errors.OutputExists(
            f"{path} exists",
            "a new folder",
            f"Give another --out, or go on with: ssdgm-export train --resume {path}",
        )


def create(
    path: Path, document: Json, split: Split, texts: Mapping[str, str] = MappingProxyType({})
) -> Run:
    """Make a run directory, whole or not at all, with some text files for people.

    Raises:
        OutputExists: Something is there already.
        RunError: Nothing can be written there.
    """
    check_new(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RunError(f"{path} cannot be made ({error})", "a folder to write in") from None
    with atomic.folder(path) as partial:
        write_json(partial / "run.json", document)
        for name, text in texts.items():
            (partial / name).write_text(text, encoding="utf-8")
        np.savez(partial / "split.npz", **{k: getattr(split, k) for k in PARTS})
        (partial / "checkpoints").mkdir()
    return Run(path)


def save(run: Run, model: nn.Module, state: fit.State, scalars: Json) -> None:
    """Write the checkpoint of a step, then drop the older ones."""
    files = {
        "weights": model.state_dict(),
        "optimiser": _optimiser_tensors(state.optimisers),
        "random": {"generator": state.generator.get_state()},
    }
    _save_folder(run.path / "checkpoints" / f"step-{state.step:08d}", files, scalars)
    tidy(run)


def save_best(run: Run, model: nn.Module, step: int, scalars: Json) -> None:
    """Write the weights of the best step so far, then drop the former ones."""
    files = {"weights": model.state_dict()}
    _save_folder(run.path / "checkpoints" / f"best-{step:08d}", files, scalars)
    tidy(run)


def tidy(run: Run) -> None:
    """Drop all checkpoints but the newest and the best, and what a killed run left unfinished."""
    kept = (run.latest, run.best)
    checkpoints = run.path / "checkpoints"
    for pattern in ("step-*", "best-*", atomic.LEFTOVERS):
        for path in checkpoints.glob(pattern):
            if path not in kept:
                shutil.rmtree(path)
    for path in run.path.glob(atomic.LEFTOVERS):
        path.unlink()


def restore(folder: Path, model: nn.Module, state: fit.State) -> Json:
    """Load a checkpoint into a model and a fresh state; returns its scalars."""
    load_weights(folder, model)
    _load_optimisers(_tensors(folder / "optimiser.safetensors"), state.optimisers)
    state.generator.set_state(_tensors(folder / "random.safetensors")["generator"])
    scalars = _read_json(folder / "state.json")
    state.step = scalars["step"]
    return scalars


def load_weights(folder: Path, model: nn.Module) -> None:
    """Load the weights of a checkpoint.

    Raises:
        RunError: They are damaged or belong to another model.
    """
    try:
        model.load_state_dict(_tensors(folder / "weights.safetensors"))
    except RuntimeError as error:
        reason = " ".join(str(error).split())
        raise RunError(f"{folder} does not fit the run's recipe ({reason})", "its own") from None


def append_metrics(run: Run, record: Json) -> None:
    """Add a record to `metrics.jsonl`."""
    with (run.path / "metrics.jsonl").open("a", encoding="utf-8") as file:
        file.write(json.dumps(record, allow_nan=False) + "\n")


def read_metrics(run: Run, upto: int | None = None) -> list[Json]:
    """The records of `metrics.jsonl` up to a step; a last line cut short is left out."""
    path = run.path / "metrics.jsonl"
    lines = path.read_text(encoding="utf-8").split("\n")[:-1] if path.exists() else []
    records: list[Json] = [json.loads(line) for line in lines]
    return [r for r in records if upto is None or r["step"] <= upto]


def truncate_metrics(run: Run, step: int) -> None:
    """Drop the records after a step, those that a resumed run will write again."""
    kept = "".join(json.dumps(r) + "\n" for r in read_metrics(run, step))
    atomic.write(run.path / "metrics.jsonl", kept.encode(), force=True)


def write_json(path: Path, document: Mapping[str, Any]) -> None:
    """Write a JSON file, whole or not at all."""
    text = json.dumps(document, indent=2, allow_nan=False) + "\n"
    atomic.write(path, text.encode(), force=True)


def _read_json(path: Path) -> Json:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(found, dict):
            raise ValueError("no object")
    except (OSError, ValueError) as error:
        raise RunError(
            f"{path.parent} is no run directory ({path.name}: {error})",
            "a folder that ssdgm-export train wrote",
        ) from None
    return found


def _newest(path: Path, pattern: str) -> Path | None:
    return max((path / "checkpoints").glob(pattern), default=None)


def _save_folder(folder: Path, files: Mapping[str, Mapping[str, Tensor]], scalars: Json) -> None:
    with atomic.folder(folder, replace=True) as partial:
        for stem, tensors in files.items():
            kept = {k: v.detach().cpu().contiguous().clone() for k, v in tensors.items()}
            safetensors.torch.save_file(kept, partial / f"{stem}.safetensors")
        write_json(partial / "state.json", scalars)


def _tensors(path: Path) -> dict[str, Tensor]:
    try:
        return safetensors.torch.load_file(path)
    except (OSError, safetensors.SafetensorError) as error:
        raise RunError(f"{path} cannot be read ({error})", "an undamaged checkpoint") from None


def _optimiser_tensors(optimisers: Mapping[str, torch.optim.Adam]) -> dict[str, Tensor]:
    return {
        f"{player}/{index}/{name}": value
        for player, optimiser in optimisers.items()
        for index, entries in optimiser.state_dict()["state"].items()
        for name, value in entries.items()
    }


def _load_optimisers(
    tensors: Mapping[str, Tensor], optimisers: Mapping[str, torch.optim.Adam]
) -> None:
    for player, optimiser in optimisers.items():
        entries: dict[int, dict[str, Tensor]] = {}
        for key, value in tensors.items():
            owner, index, name = key.split("/")
            if owner == player:
                entries.setdefault(int(index), {})[name] = value
        optimiser.load_state_dict({**optimiser.state_dict(), "state": entries})
