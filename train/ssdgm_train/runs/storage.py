"""JSON files and folders of tensors on disk, whole or not at all, with digests; no pickle."""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import safetensors
import safetensors.torch
import torch
from torch import Tensor

from ssdgm_runtime import atomic
from ssdgm_train.runs import records

STATE = "state.json"
KEPT = 2
"""How many checkpoints are kept, so that a damaged one costs no more than an interval."""
DAMAGED = "damaged-"
"""How the names begin of checkpoints that could not be read, and were put aside."""
_NAMED = re.compile(r"(step|best)-(\d{8,18})")


def write_json(path: Path, record: object) -> None:
    """Write a record, or a mapping, whole or not at all, with a digest of what it says."""
    table = records.sealed(records.plain(record))
    atomic.write(path, (json.dumps(table, indent=2, allow_nan=False) + "\n").encode(), force=True)


def adopt(path: Path) -> None:
    """Give a file that was edited the digest of what it says now.

    Raises:
        RunError: It is no JSON object.
    """
    write_json(path, records.parse(path.read_bytes(), dict, path))


def checkpoints(folder: Path, word: str = "step") -> list[Path]:
    """The checkpoints `word-<step>` of a folder, the newest first; strays are none of them."""
    named = [(_NAMED.fullmatch(path.name), path) for path in folder.glob(f"{word}-*")]
    there = [(int(name[2]), path) for name, path in named if name and (path / STATE).is_file()]
    return [path for _, path in sorted(there, reverse=True)]


def strays(folder: Path) -> list[Path]:
    """What lies among the checkpoints, and is none."""
    known = {*checkpoints(folder), *checkpoints(folder, "best")}
    others = (p for p in folder.glob("*") if not p.name.startswith((".", DAMAGED)))
    return sorted(path for path in others if path not in known)


def put_aside(checkpoint: Path) -> Path:
    """Give a checkpoint that cannot be read a name that is none's; gives its new place."""
    place = checkpoint.with_name(f"{DAMAGED}{checkpoint.name}")
    while place.exists():
        place = place.with_name(f"{place.name}-more")
    checkpoint.rename(place)
    return place


def damaged(run: Path, error: Exception) -> records.RunError:
    """The error for a run whose files cannot be read, or say nothing that a run could."""
    if isinstance(error, OSError):
        place = error.filename or run
        return records.RunError(
            f"{place} cannot be read ({error.strerror or error})",
            mend="Check the disk and the permissions, then go on with --resume.",
        )
    return records.RunError(
        f"{run} is damaged ({type(error).__name__}: {error})", mend=records.RESTORE
    )


def save_tensors(
    folder: Path, files: Mapping[str, Mapping[str, Tensor]], state: records.State
) -> None:
    """Files of tensors, and `state.json` with each file's SHA-256."""
    digests = {}
    with atomic.folder(folder, replace=True) as partial:
        for stem, tensors in files.items():
            kept = {k: v.detach().cpu().contiguous().clone() for k, v in tensors.items()}
            content = safetensors.torch.save(kept)
            digests[stem] = hashlib.sha256(content).hexdigest()
            (partial / f"{stem}.safetensors").write_bytes(content)
        write_json(partial / STATE, replace(state, sha256=digests))


def load_tensors(folder: Path, stem: str) -> dict[str, Tensor]:
    """One file of tensors of such a folder.

    Raises:
        RunError: It is missing or differs from its digest.
    """
    path = folder / f"{stem}.safetensors"
    digests = records.load(folder / STATE, records.State).sha256
    try:
        content = path.read_bytes()
        if hashlib.sha256(content).hexdigest() != digests.get(stem):
            raise ValueError("it differs from its digest")
        return safetensors.torch.load(content)
    except (OSError, LookupError, TypeError, ValueError, safetensors.SafetensorError) as error:
        raise records.RunError(
            f"{path} cannot be read ({error})", mend="Restore the checkpoint from a copy."
        ) from None


def optimiser_tensors(optimisers: Mapping[str, torch.optim.Adam]) -> dict[str, Tensor]:
    """What the players' optimisers know, by names that a file can hold."""
    return {
        f"{player}/{index}/{name}": value
        for player, optimiser in optimisers.items()
        for index, entries in optimiser.state_dict()["state"].items()
        for name, value in entries.items()
    }


def load_optimisers(
    tensors: Mapping[str, Tensor], optimisers: Mapping[str, torch.optim.Adam]
) -> None:
    """Give it back to them."""
    for player, optimiser in optimisers.items():
        entries: dict[int, dict[str, Tensor]] = {}
        for key, value in tensors.items():
            owner, index, name = key.split("/")
            if owner == player:
                entries.setdefault(int(index), {})[name] = value
        optimiser.load_state_dict({**optimiser.state_dict(), "state": entries})
