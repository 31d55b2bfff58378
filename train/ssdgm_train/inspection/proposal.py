"""What `train` would do with a data set: its recipe, and what follows from data and recipe."""

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import tomli_w

from ssdgm_runtime import errors
from ssdgm_train import method
from ssdgm_train.data import dataset, doubt, statement, store
from ssdgm_train.data.settings import AUTO
from ssdgm_train.data.split import Split, split
from ssdgm_train.evaluation import practice
from ssdgm_train.inspection import changes
from ssdgm_train.labels import Dense
from ssdgm_train.portfolio import candidates, default
from ssdgm_train.problems import Problem
from ssdgm_train.recipes import recipe, recommended
from ssdgm_train.settings import RecipeError

Json = dict[str, Any]
Candidates = tuple[candidates.Candidate, ...]

REASONS = {
    "bernoulli": "pixels, each the probability of a bit",
    "binomial": "bytes below {levels}, which are counts out of {total}",
    "columns": "a table with categories or missing values",
    "gaussian": "real numbers",
    "logistic": "bytes of colour",
    "views": "several arrays a row, each with its own: {views}",
}
"""Why a likelihood is taken where the recipe leaves it open."""

WIDTHS = ("network", "channels", "hidden", "latent", "activation")
"""The settings of a model that describe its networks."""


@dataclass(frozen=True)
class Proposal:
    """What a run would be.

    Attributes:
        taken: Which recipe this is, and why; None where it came as it is.
        minutes: For comparing it with others and the run, together; None where it is trained
            as it is.
        compared: The names of those others; none where rows and labels leave nothing to compare.
        method: The method's name.
        summary: What it is.
        networks: The settings of the model that describe its networks.
        likelihood: Its name.
        reason: Why this one.
        preprocessing: How rows become what networks see.
        prior: p(y), one number a class or tag; none for numbers and one-class.
        false_alarms: Of one-class, the share of normal rows that may be called outliers.
        labelled: Labelled training rows.
        unlabelled: Training rows whose label is not known, or not used.
        validation: Rows held out.
        validation_labels_are_extra: Whether their labels are beside the budget.
        test: Test rows.
        steps: Steps of the run, the most where minutes limit it.
        augmentation: How rows are changed, in which of the recipes, and what that assumes.
        recipe: TOML: what differs from the method's defaults, and what the data decided.
    """

    taken: recommended.Taken | None
    minutes: float | None
    compared: tuple[str, ...]
    method: str
    summary: str
    networks: Json
    likelihood: str
    reason: str
    preprocessing: str
    prior: tuple[float, ...]
    false_alarms: float
    labelled: int
    unlabelled: int
    validation: int
    validation_labels_are_extra: bool
    test: int
    steps: int
    augmentation: str
    recipe: str


@dataclass(frozen=True)
class Refusal:
    """The error by which `train` would refuse the data, in its parts."""

    found: str
    expected: str
    mend: str


def propose(
    data: dataset.Dataset,
    asked: recipe.Recipe | recommended.Asked,
    labelled: int | None,
    seed: int,
    comparing: bool = False,
) -> Proposal | Refusal:
    """What `train` would do, computed by the same functions."""
    try:
        chosen = recommended.settle(asked, data, labelled)
        plan = chosen.plan
        doubt.check_labels(data, plan.data)
        parts = split(data, labelled, plan.data.validation, seed)
        stated = statement.problem(data, parts, plan.data)
        settled = _settled(plan, stated)
    except (errors.DataError, RecipeError) as error:
        return Refusal(error.found, error.expected, error.mend)
    every = _candidates(data, settled, parts, stated) if comparing else _alone(settled)
    proposal = _proposal(data, settled, parts, stated, plan.data.likelihood)
    return dataclasses.replace(
        proposal,
        taken=chosen.taken,
        minutes=default.MINUTES if comparing else None,
        compared=tuple(one.name for one in every[1:]),
        augmentation=changes.described(every, stated),
    )


def _alone(settled: recipe.Recipe) -> Candidates:
    return (candidates.Candidate(settled.method, settled),)


def _candidates(
    data: dataset.Dataset, settled: recipe.Recipe, parts: Split, stated: Problem
) -> Candidates:
    """What would be compared, the recipe itself first; it alone where no label can be held out."""
    sizes = method.Sizes(len(parts.labelled), len(parts.unlabelled))
    codes = stated.labels.codes(store.take(data.y, parts.labelled))
    if codes is None or not practice.folds(codes, 0):
        return _alone(settled)
    return candidates.on(candidates.Ground(settled, stated, sizes, store.mapped(data.x)))


def _proposal(
    data: dataset.Dataset,
    settled: recipe.Recipe,
    parts: Split,
    stated: Problem,
    likelihood: str,
) -> Proposal:
    sizes = method.Sizes(len(parts.labelled), len(parts.unlabelled))
    template = REASONS.get(stated.likelihood, "")
    reason = template.format(
        levels=statement.COUNT_LEVELS,
        total=stated.total,
        views=", ".join(f"{view.name} {view.likelihood}" for view in stated.views),
    )
    return Proposal(
        taken=None,
        minutes=None,
        compared=(),
        method=settled.method,
        summary=settled.spec.summary,
        networks=dict(_networks(dataclasses.asdict(settled.model))),
        likelihood=stated.likelihood,
        reason=reason if likelihood == AUTO else "set in the recipe",
        preprocessing=_preprocessing(stated),
        prior=_prior(stated, data),
        false_alarms=settled.data.false_alarms,
        labelled=sizes.labelled,
        unlabelled=sizes.unlabelled,
        validation=len(parts.validation),
        validation_labels_are_extra=data.fully_labelled,
        test=0 if data.x_test is None else len(data.x_test),
        steps=sum(stage.plan.steps for stage in settled.stages(sizes)),
        augmentation=changes.NONE,
        recipe=tomli_w.dumps(_changes(settled)),
    )


def _prior(stated: Problem, data: dataset.Dataset) -> tuple[float, ...]:
    """The prior of classes or tags, of masks that of a place; nothing of numbers."""
    labels = stated.labels
    if isinstance(labels, Dense):
        return labels.prior
    return tuple(labels.described(data.classes).get("prior", ()))


def _settled(plan: recipe.Recipe, stated: Problem) -> recipe.Recipe:
    """The recipe with its open settings filled in from the data."""
    total = stated.total if stated.total > 1 else plan.data.total
    open_ended = dataclasses.replace(
        plan.data, likelihood=stated.likelihood, total=total, kind=stated.kind
    )
    return recipe.counted(recipe.fitted(dataclasses.replace(plan, data=open_ended), stated))


def _changes(plan: recipe.Recipe) -> Json:
    """What differs from the defaults of the method."""
    usual = recipe.to_table(recipe.load(None, plan.method))
    return {"method": plan.method, **_differing(recipe.to_table(plan), usual)}


def _differing(table: Json, usual: Json) -> Json:
    different: Json = {}
    for key, value in table.items():
        if isinstance(value, dict) and isinstance(usual.get(key), dict):
            value = _differing(value, usual[key])
            if not value:
                continue
        elif value == usual.get(key):
            continue
        different[key] = value
    return different


def _networks(table: Json) -> Iterator[tuple[str, Any]]:
    """The settings `WIDTHS`, those of inner tables with the table's name before them."""
    for key, value in table.items():
        if isinstance(value, dict):
            yield from ((f"{key}.{name}", inner) for name, inner in _networks(value))
        elif key in WIDTHS and value != ():
            yield key, value


def _preprocessing(stated: Problem) -> str:
    """How `observations` makes observations of such rows, in words."""
    if stated.views:
        parts = (f"{name}: {_preprocessing(part)}" for name, part in stated.parts.items())
        return (
            f"{'; '.join(parts)}; zeros for a view that is missing, and a one for one that is not"
        )
    one = len(stated.shift) == 1
    shift, scale = (stated.shift[0], stated.scale[0]) if one else (0.0, 1.0)
    moved = f"x - {shift:g}" if shift else "x"
    if not one:
        numbers = "each number less its mean over training rows, divided by its deviation"
    elif scale == 1:
        numbers = f"{moved}, as it is" if not shift else moved
    else:
        numbers = f"({moved}) / {scale:g}" if shift else f"{moved} / {scale:g}"
    more = [numbers] if stated.numbers else []
    if stated.blocks:
        more.append(f"{len(stated.blocks)} categories as {sum(stated.blocks)} zeros and ones")
    if stated.gaps:
        more.append(f"a zero or one for whether a number is there, of {len(stated.gaps)}")
    return "; ".join(more)
