"""`run.json`: what it holds, and the data and model that can be had back from it."""

import datetime
import os
import platform
import re
from importlib import metadata
from pathlib import Path

import numpy as np
import torch

from ssdgm_runtime import errors
from ssdgm_train import data, evaluation, method
from ssdgm_train.data.split import Split
from ssdgm_train.labels import lookup
from ssdgm_train.model import Model
from ssdgm_train.problems import Problem
from ssdgm_train.recipes import recipe, recommended
from ssdgm_train.runs import directory, records
from ssdgm_train.training import loop

PLACE = "place.txt"
"""A file that has the data's place on this machine, for a run that is moved; nothing needs it."""


def compose(
    source: str,
    out: Path,
    dataset: data.Dataset,
    parts: Split,
    stated: Problem,
    plan: recipe.Recipe,
    labelled: int | None,
    seed: int,
    device: torch.device,
    origin: records.Origin | None = None,
    taken: recommended.Taken | None = None,
    trials: evaluation.Trials | None = None,
    threads: int | None = None,
) -> records.RunRecord:
    """What `run.json` of a run at `out` holds."""
    return records.RunRecord(
        recipe=recipe.to_table(plan),
        taken=taken,
        seed=seed,
        labels=labelled,
        data=records.Data(
            source=placed(source, out),
            name=dataset.name,
            digest=dataset.digest,
            classes=tuple(dataset.classes),
            labelled=len(parts.labelled),
            unlabelled=len(parts.unlabelled),
            validation=len(parts.validation),
            validation_labels_are_extra=dataset.fully_labelled,
            test=0 if dataset.x_test is None else len(dataset.x_test),
            label=dataset.label,
        ),
        split=parts.digest,
        init=origin,
        problem=stated,
        environment=_environment(device, threads or torch.get_num_threads()),
        labels_from=plan.data.labels_as if lookup.is_own(plan.data.labels_as) else "",
        portfolio=trials,
    )


def placed(source: str, out: Path) -> str:
    """A path as the run at `out` writes it: relative to it where both lie in one folder.

    What is no absolute path is the name of a data set, and stays.
    """
    if not os.path.isabs(source):
        return source
    target = os.path.realpath(out)
    try:
        common = Path(os.path.commonpath([source, target]))
    except ValueError:  # on two drives
        return source
    return os.path.relpath(source, target) if len(common.parts) > 1 else source


def place(source: str, out: Path) -> str:
    """Where that path leads from the run that wrote it, or from where the run was before."""
    if not source.startswith(os.pardir):
        return source
    near = os.path.normpath(os.path.join(os.path.realpath(out), source))
    if os.path.exists(near):
        return near
    notes = [folder / PLACE for folder in (out, out.parent)]  # a baseline lies within its run
    return next((p.read_text(encoding="utf-8") for p in notes if p.is_file()), near)


def learnt(run: directory.Run) -> bool:
    """Whether a run is past a first phase that learns features, if not at its end."""
    record = run.read()
    sizes = method.Sizes(record.data.labelled, record.data.unlabelled)
    first, *others = record.plan.stages(sizes, record.done)
    return bool(others and not first.phase.classifies and run.step >= first.plan.steps)


def load_data(run: directory.Run, source: str | None = None) -> data.Dataset:
    """The run's data, from where it was or from another place.

    Raises:
        RunError: It is not the data that the run was made with.
        DataNotFound: It is not there.
    """
    record = run.read()
    try:
        lies_at = place(record.data.source, run.path) if source is None else source
        dataset = data.load(lies_at, plan=record.plan.data)
    except errors.DataNotFound as error:
        raise errors.DataNotFound(
            f"The data of {run.path} cannot be found: {error.found}",
            mend="Put it back, or give its new place: train DATA --resume RUN; convert, evaluate "
            "and report take --data.",
        ) from None
    if dataset.digest != record.data.digest:
        raise directory.RunError(
            f"The data of {run.path} has changed since the run began (its digest was "
            f"{record.data.digest[:12]} and is {dataset.digest[:12]})",
            mend="Put the data back as it was, or begin a new run.",
        )
    return dataset


def load_model(run: directory.Run) -> Model:
    """The model of a run in evaluation mode, with the weights its recipe selects once it ended."""
    record = run.read()
    with directory.reading(run):
        plan = record.plan
        model = plan.spec.build(plan.model, record.problem)
        directory.load_weights(run.chosen(plan.run.select if run.result else "last"), model)
    return model.eval()


def pick_device(name: str) -> torch.device:
    """The device for "auto", "cpu", "cuda", or the number of a GPU, such as "cuda:1".

    Raises:
        ProviderUnavailable: CUDA was named and torch cannot use it, or there is no such GPU.
        InputError: Another name.
    """
    kind, _, number = str(name).partition(":")
    numbered = kind == "cuda" and re.fullmatch("[0-9]{1,4}", number)
    if name not in ("auto", "cpu", "cuda") and not numbered:
        raise errors.InputError("device", repr(name), "auto, cpu, cuda, or one GPU as cuda:1")
    if kind == "cuda" and not torch.cuda.is_available():
        raise errors.ProviderUnavailable(
            f"PyTorch {torch.__version__} finds no GPU that it can use",
            mend="Use --device cpu, or install a CUDA build of torch and a driver.",
        )
    if numbered and int(number) >= torch.cuda.device_count():
        raise errors.ProviderUnavailable(
            f"There is no GPU {number}; PyTorch finds {torch.cuda.device_count()}, from cuda:0 on",
            mend="Use --device cuda, or the number of one of these.",
        )
    if numbered:
        return torch.device(name)
    return torch.device("cuda" if name != "cpu" and torch.cuda.is_available() else "cpu")


def _environment(device: torch.device, threads: int) -> records.Environment:
    now = datetime.datetime.now(datetime.UTC).replace(microsecond=0)
    return records.Environment(
        device=str(device),
        threads=threads,
        begun=now.isoformat(),
        ssdgm_train=metadata.version("ssdgm-train"),
        python=platform.python_version(),
        torch=str(torch.__version__),  # a subclass of str
        numpy=np.__version__,
        platform=platform.system(),
        processor=platform.machine(),
        bfloat16=loop.multiplies_bfloat16(device),
    )
