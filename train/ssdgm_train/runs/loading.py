"""`training.json`: what it holds, and the problem, data and model that can be had back from it."""

import dataclasses
import datetime
import platform
from importlib import metadata
from typing import Any

import numpy as np
import torch
from torch import nn

from ssdgm_runtime import errors
from ssdgm_runtime.rows import columns, series
from ssdgm_train import data, method, problems
from ssdgm_train.data.split import Split
from ssdgm_train.labels import classes
from ssdgm_train.problems import Problem
from ssdgm_train.recipes import recipe, recommended
from ssdgm_train.runs import directory
from ssdgm_train.training import loop

Json = dict[str, Any]


def compose(
    source: str,
    dataset: data.Dataset,
    parts: Split,
    stated: Problem,
    plan: recipe.Recipe,
    labelled: int | None,
    seed: int,
    device: torch.device,
    origin: Json | None = None,
    taken: recommended.Taken | None = None,
) -> Json:
    """What `training.json` holds: all that is needed to go on, and to convert the run later."""
    return {
        "format": directory.FORMAT,
        "recipe": recipe.to_table(plan),
        "taken": taken and dataclasses.asdict(taken),
        "seed": seed,
        "labels": labelled,
        "data": {
            "source": source,
            "name": dataset.name,
            "digest": dataset.digest,
            "classes": list(dataset.classes),
            "labelled": len(parts.labelled),
            "unlabelled": len(parts.unlabelled),
            "validation": len(parts.validation),
            "validation_labels_are_extra": dataset.fully_labelled,
            "test": 0 if dataset.x_test is None else len(dataset.x_test),
        },
        "split": parts.digest,
        "init": origin,
        "problem": dataclasses.asdict(stated),
        "environment": _environment(device),
    }


def done(document: Json) -> tuple[str, ...]:
    """The phases that the run did not have to run, because it began with their outcome."""
    return tuple((document.get("init") or {}).get("done", ()))


def learnt(run: directory.Run) -> bool:
    """Whether a run is past a first phase that learns features, if not at its end."""
    document = run.read()
    sizes = method.Sizes(document["data"]["labelled"], document["data"]["unlabelled"])
    first, *others = recipe.from_table(document["recipe"]).stages(sizes, done(document))
    return bool(others and not first.phase.classifies and run.step >= first.plan.steps)


def load_problem(document: Json) -> Problem:
    """The problem that `training.json` states."""
    found = document["problem"]
    return Problem(
        shape=tuple(found["shape"]),
        dtype=found["dtype"],
        labels=classes.Classes(tuple(found["labels"]["prior"])),
        likelihood=found["likelihood"],
        shift=tuple(found["shift"]),
        scale=tuple(found["scale"]),
        total=found["total"],
        kind=found.get("kind", problems.ROWS),
        columns=tuple(_column(table) for table in found.get("columns", ())),
        gaps=tuple(found.get("gaps", ())),
        unseen=tuple(found.get("unseen", ())),
        series=_series(found["series"]) if found.get("series") else None,
        features=tuple(found.get("features", ())),
    )


def _series(table: Json) -> series.Series:
    return series.Series(table["key"], table["time"], tuple(table["channels"]))


def _column(table: Json) -> columns.Column:
    return columns.Column(table["name"], table["kind"], tuple(table["categories"]))


def load_data(run: directory.Run, source: str | None = None) -> data.Dataset:
    """The run's data, from where it was or from another place.

    Raises:
        RunError: It is not the data that the run was made with.
        DataNotFound: It is not there.
    """
    document = run.read()
    try:
        plan = recipe.from_table(document["recipe"]).data
        place = document["data"]["source"] if source is None else source
        dataset = data.load(place, plan=plan)
    except errors.DataNotFound as error:
        raise errors.DataNotFound(
            error.found,
            f"the data that {run.path} was trained on",
            "Put it back; convert, evaluate and report can also be told with --data where it is.",
        ) from None
    if dataset.digest != document["data"]["digest"]:
        raise directory.RunError(
            f"the data of {run.path} has changed since the run began",
            f"digest {document['data']['digest'][:12]}, not {dataset.digest[:12]}",
            "Put the data back as it was, or begin a new run.",
        )
    return dataset


def load_model(run: directory.Run) -> nn.Module:
    """The model of a run in evaluation mode, with the weights its recipe selects once it ended."""
    document = run.read()
    with directory.reading(run):
        plan = recipe.from_table(document["recipe"])
        model = plan.spec.build(plan.model, load_problem(document))
        directory.load_weights(run.chosen(plan.run.select if run.result else "last"), model)
    return model.eval()


def pick_device(name: str) -> torch.device:
    """The device for "auto", "cpu" or "cuda".

    Raises:
        ProviderUnavailable: CUDA was named and torch cannot use it.
        InputError: Another name.
    """
    if name not in ("auto", "cpu", "cuda"):
        raise errors.InputError("device", repr(name), "auto, cpu or cuda")
    if name == "cuda" and not torch.cuda.is_available():
        raise errors.ProviderUnavailable(
            f"device cuda was asked for and torch {torch.__version__} has no usable GPU",
            "a CUDA build of torch and a driver",
            "Use --device cpu, or install a CUDA build of torch.",
        )
    return torch.device("cuda" if name != "cpu" and torch.cuda.is_available() else "cpu")


def _environment(device: torch.device) -> Json:
    now = datetime.datetime.now(datetime.UTC).replace(microsecond=0)
    return {
        "begun": now.isoformat(),
        "ssdgm_train": metadata.version("ssdgm-train"),
        "python": platform.python_version(),
        "torch": torch.__version__,
        "numpy": np.__version__,
        "platform": platform.platform(),
        "processor": platform.machine(),
        "threads": torch.get_num_threads(),
        "device": device.type,
        "bfloat16": loop.multiplies_bfloat16(device),
    }
