"""JSON objects and folders of tensors on disk, whole or not at all, with digests; no pickle."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, NoReturn

import safetensors
import safetensors.torch
from torch import Tensor

from ssdgm_runtime import atomic, errors
from ssdgm_train.runs import records

Json = dict[str, Any]


class RunError(errors.SsdgmError, ValueError):
    """A run directory that cannot be used."""


def write_json(path: Path, document: Mapping[str, Any]) -> None:
    """Write a JSON file, whole or not at all."""
    text = json.dumps(document, indent=2, allow_nan=False) + "\n"
    atomic.write(path, text.encode(), force=True)


def read_json(path: Path, like: records.Like = MappingProxyType({})) -> Json:
    """A JSON object of a run directory.

    Args:
        path: The file.
        like: What it must hold, see `patterns`.

    Raises:
        RunError: There is none, or it holds something else.
    """
    try:
        found = json.loads(path.read_text(encoding="utf-8"), parse_constant=_refuse)
        if not isinstance(found, dict):
            raise ValueError("no object")
    except (OSError, ValueError, RecursionError) as error:
        raise RunError(
            f"{path.parent} is no run directory ({path.name}: {error})",
            "a folder that ssdgm-export train wrote",
        ) from None
    if place := records.misfit(found, like):
        raise RunError(
            f"{path} is damaged ({place} is missing or of another kind)",
            "a file as this ssdgm-train writes it",
            "Restore it from a copy, or begin a new run.",
        )
    return found


def _refuse(word: str) -> NoReturn:
    raise ValueError(f"it holds {word}")


def save_tensors(folder: Path, files: Mapping[str, Mapping[str, Tensor]], scalars: Json) -> None:
    """Files of tensors, and `state.json` with the scalars and each file's SHA-256."""
    digests = {}
    with atomic.folder(folder, replace=True) as partial:
        for stem, tensors in files.items():
            kept = {k: v.detach().cpu().contiguous().clone() for k, v in tensors.items()}
            content = safetensors.torch.save(kept)
            digests[stem] = hashlib.sha256(content).hexdigest()
            (partial / f"{stem}.safetensors").write_bytes(content)
        write_json(partial / "state.json", {**scalars, "sha256": digests})


def load_tensors(folder: Path, stem: str) -> dict[str, Tensor]:
    """One file of tensors of such a folder.

    Raises:
        RunError: It is missing or differs from its digest.
    """
    path = folder / f"{stem}.safetensors"
    try:
        content = path.read_bytes()
        if hashlib.sha256(content).hexdigest() != read_json(folder / "state.json")["sha256"][stem]:
            raise ValueError("it differs from its digest")
        return safetensors.torch.load(content)
    except (OSError, LookupError, TypeError, ValueError, safetensors.SafetensorError) as error:
        raise RunError(f"{path} cannot be read ({error})", "an undamaged checkpoint") from None
