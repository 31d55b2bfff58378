"""`run.json`: what it holds, and the data and model that can be had back from it."""

import datetime
import platform
import re
from importlib import metadata

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


def compose(
    source: str,
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
    """What `run.json` holds."""
    return records.RunRecord(
        recipe=recipe.to_table(plan),
        taken=taken,
        seed=seed,
        labels=labelled,
        data=records.Data(
            source=source,
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
        place = record.data.source if source is None else source
        dataset = data.load(place, plan=record.plan.data)
    except errors.DataNotFound as error:
        raise errors.DataNotFound(
            f"The data of {run.path} cannot be found: {error.found}",
            mend="Put it back, or give convert, evaluate or report its new place with --data.",
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
        platform=platform.platform(),
        processor=platform.machine(),
        bfloat16=loop.multiplies_bfloat16(device),
    )
