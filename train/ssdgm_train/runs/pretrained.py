"""A trained model to start from: a run, or weights that the paper's authors published."""

import dataclasses
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn

from ssdgm_train import data, settings
from ssdgm_train.problems import Problem
from ssdgm_train.published import kingma2014
from ssdgm_train.recipes import recipe
from ssdgm_train.runs import directory, loading, records

Json = dict[str, Any]
LIKE = ("shape", "dtype", "likelihood", "columns", "series")
TAKEN = ("shift", "scale", "total", "gaps", "unseen")
"""How rows become observations."""

SHOWN = 80
"""Characters of a value in a message."""


@dataclass(frozen=True)
class Source:
    """Where weights come from: a finished run, an .npz file of `kingma2014`, or nowhere."""

    path: Path | None = None
    run: directory.Run | None = None

    @property
    def trained_by(self) -> str:
        """The method whose weights they are; empty without any."""
        if self.run is not None:
            return self.run.read().plan.method
        return kingma2014.method_of(self.path) if self.path else ""

    def held(self, dataset: data.Dataset) -> NDArray[Any] | None:
        """The validation rows of a run on the same data: it has seen all the others."""
        return self.run.split().validation if self.run and _same(self.run, dataset) else None

    def stated(self, problem: Problem) -> Problem:
        """A problem with rows scaled as the weights are used to.

        Raises:
            RunError: The weights are for other rows.
        """
        if self.run is None:
            return problem
        theirs = self.run.read().problem
        for name in LIKE:
            given, wanted = getattr(theirs, name), getattr(problem, name)
            if given != wanted:
                raise directory.RunError(
                    f"The {name} of the rows of {self.path} is {str(given)[:SHOWN]}",
                    f"{str(wanted)[:SHOWN]}, as the data's is",
                    "Start from a run on rows like these"
                    + (f", or set data.likelihood={given}." if name == "likelihood" else "."),
                )
        if problem.total > theirs.total:
            raise directory.RunError(
                f"The rows of {self.path} are counts up to {theirs.total}, the data's up to "
                f"{problem.total}",
                mend="Start from a run on rows like these.",
            )
        if more := set(problem.gaps) - set(theirs.gaps):
            name = problem.columns[min(more)].name
            raise directory.RunError(
                f"The column {name!r} has gaps, and had none when {self.path} was trained",
                mend="Fill them, or train without --init-from.",
            )
        taken = {name: getattr(theirs, name) for name in TAKEN}
        return dataclasses.replace(problem, **taken)

    def model(self, problem: Problem) -> nn.Module | None:
        """The trained model."""
        if self.run is not None:
            return loading.load_model(self.run)
        return kingma2014.load(self.path, problem) if self.path else None


def find(path: Path | None) -> Source:
    """Look at what there is to start from.

    Raises:
        RunError: It is neither an .npz file nor a run whose features are learnt.
    """
    if path is None or path.suffix == ".npz":
        return Source(path)
    run = directory.Run(path)
    if not loading.learnt(run):
        directory.ended(run)
    return Source(path, run)


def adopt(
    source: Source,
    plan: recipe.Recipe,
    problem: Problem,
    dataset: data.Dataset,
    labelled: NDArray[Any],
) -> tuple[recipe.Recipe, Mapping[str, Tensor], records.Origin | None]:
    """What a recipe's method takes over: the recipe made to fit, weights by name, and a record.

    Args:
        source: Where the model is.
        plan: The recipe.
        problem: What the new model is for.
        dataset: The new run's data.
        labelled: Its labelled rows.

    Raises:
        RecipeError: The method can take nothing from this model.
        DataError: The .npz file holds no weights for these rows.
        RunError: The weights have seen labels that are not of the new run.
    """
    donor = source.model(problem)
    if donor is None:
        return plan, {}, None
    adopted = plan.spec.adopt(plan.model, donor)
    if adopted is None:
        raise settings.RecipeError(
            f"{plan.method} cannot start from the model in {source.path}",
            mend="Give another --init-from: a run of m1 serves every method but m2's generative "
            "part.",
        )
    if adopted.labelled and source.run and _same(source.run, dataset):
        _check_labels(source.run, labelled)
    origin = records.Origin(
        source=str(source.path),
        sha256=_digest(adopted.weights),
        done=tuple(adopted.done),
        settings=_taken(dataclasses.asdict(plan.model), dataclasses.asdict(adopted.config)),
    )
    return dataclasses.replace(plan, model=adopted.config), adopted.weights, origin


def _taken(own: Json, fitting: Json, table: str = "model") -> Json:
    """The settings that the recipe had otherwise, by their full names, as they are now."""
    taken: Json = {}
    for name, value in fitting.items():
        if isinstance(value, dict):
            taken |= _taken(own[name], value, f"{table}.{name}")
        elif value != own[name]:
            taken[f"{table}.{name}"] = value
    return taken


def _same(run: directory.Run, dataset: data.Dataset) -> bool:
    return run.read().data.digest == dataset.digest


def _check_labels(run: directory.Run, labelled: NDArray[Any]) -> None:
    seen = run.split().labelled
    if not np.isin(seen, labelled).all():
        record = run.read()
        labels = (
            "Leave --labels out" if record.labels is None else f"Give --labels {record.labels}"
        )
        raise directory.RunError(
            f"{run.path} has learnt from {len(seen)} labels that are not all of this run's",
            mend=f"{labels} and give --seed {record.seed}, as it had.",
        )


def fill(model: nn.Module, weights: Mapping[str, Tensor], source: Source) -> None:
    """Give a model the weights that its method takes over.

    Raises:
        RunError: They are of other networks, or for another number of classes.
    """
    own = model.state_dict()
    if strange := [name for name in weights if name not in own]:
        raise directory.RunError(
            f"The run {source.path} has weights {strange[0]!r}, which this model's networks lack",
            mend="Start from a run whose networks are of the same kind, or leave --init-from out.",
        )
    try:
        model.load_state_dict({**own, **weights})
    except RuntimeError as error:
        reason = " ".join(str(error).split())
        raise directory.RunError(
            f"The weights of {source.path} do not fit ({reason})",
            mend="Start from a run on rows with as many classes.",
        ) from None


def _digest(weights: Mapping[str, Tensor]) -> str:
    """SHA-256 of weights by name."""
    whole = hashlib.sha256()
    for name in sorted(weights):
        whole.update(name.encode())
        whole.update(weights[name].detach().cpu().contiguous().numpy().tobytes())
    return whole.hexdigest()
