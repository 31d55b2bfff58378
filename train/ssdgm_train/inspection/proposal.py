"""What `train` would do with a data set: its recipe, and what follows from data and recipe."""

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import tomli_w

from ssdgm_runtime import errors
from ssdgm_train import method
from ssdgm_train.data import dataset, doubt, statement
from ssdgm_train.data.settings import AUTO
from ssdgm_train.data.split import Split, split
from ssdgm_train.problems import Problem
from ssdgm_train.recipes import recipe, recommended
from ssdgm_train.settings import RecipeError

Json = dict[str, Any]

REASONS = {
    "bernoulli": "pixels, each the probability of a bit",
    "binomial": "bytes below {levels}, which are counts out of {total}",
    "columns": "a table with categories or missing values",
    "gaussian": "real numbers",
    "logistic": "bytes of colour",
}
"""Why a likelihood is taken where the recipe leaves it open."""

WIDTHS = ("network", "channels", "hidden", "latent", "activation")
"""The settings of a model that describe its networks."""


@dataclass(frozen=True)
class Proposal:
    """What a run would be.

    Attributes:
        taken: Which recipe this is, and why; None where it came as it is.
        method: The method's name.
        summary: What it is.
        networks: The settings of the model that describe its networks.
        likelihood: Its name.
        reason: Why this one.
        preprocessing: How rows become what networks see.
        prior: p(y), one number a class.
        labelled: Labelled training rows.
        unlabelled: Training rows whose label is not known, or not used.
        validation: Rows held out.
        validation_labels_are_extra: Whether their labels are beside the budget.
        test: Test rows.
        steps: Steps of the run.
        recipe: TOML: what differs from the method's defaults, and what the data decided.
    """

    taken: recommended.Taken | None
    method: str
    summary: str
    networks: Json
    likelihood: str
    reason: str
    preprocessing: str
    prior: tuple[float, ...]
    labelled: int
    unlabelled: int
    validation: int
    validation_labels_are_extra: bool
    test: int
    steps: int
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
    proposal = _proposal(data, settled, parts, stated, plan.data.likelihood)
    return dataclasses.replace(proposal, taken=chosen.taken)


def _proposal(
    data: dataset.Dataset,
    settled: recipe.Recipe,
    parts: Split,
    stated: Problem,
    likelihood: str,
) -> Proposal:
    sizes = method.Sizes(len(parts.labelled), len(parts.unlabelled))
    template = REASONS.get(stated.likelihood, "")
    reason = template.format(levels=statement.COUNT_LEVELS, total=stated.total)
    return Proposal(
        taken=None,
        method=settled.method,
        summary=settled.spec.summary,
        networks=dict(_networks(dataclasses.asdict(settled.model))),
        likelihood=stated.likelihood,
        reason=reason if likelihood == AUTO else "set in the recipe",
        preprocessing=_preprocessing(stated),
        prior=tuple(stated.labels.described(data.classes)["prior"]),
        labelled=sizes.labelled,
        unlabelled=sizes.unlabelled,
        validation=len(parts.validation),
        validation_labels_are_extra=data.fully_labelled,
        test=0 if data.x_test is None else len(data.x_test),
        steps=sum(stage.plan.steps for stage in settled.stages(sizes)),
        recipe=tomli_w.dumps(_changes(settled)),
    )


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
    changes: Json = {}
    for key, value in table.items():
        if isinstance(value, dict) and isinstance(usual.get(key), dict):
            value = _differing(value, usual[key])
            if not value:
                continue
        elif value == usual.get(key):
            continue
        changes[key] = value
    return changes


def _networks(table: Json) -> Iterator[tuple[str, Any]]:
    """The settings `WIDTHS`, those of inner tables with the table's name before them."""
    for key, value in table.items():
        if isinstance(value, dict):
            yield from ((f"{key}.{name}", inner) for name, inner in _networks(value))
        elif key in WIDTHS and value != ():
            yield key, value


def _preprocessing(stated: Problem) -> str:
    """How `observations` makes observations of such rows, in words."""
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
