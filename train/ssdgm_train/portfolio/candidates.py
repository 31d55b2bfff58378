"""Which recipes are tried for a data set: the recommended one, and regularisers laid over it.

Consistency of images and windows weighs as much as the labels do in the classifier's term, that of
tables a fifth, a graph a sixth of it; features of windows weigh as much as the labels. What the
recipe sets itself stays as it is. The last candidate is the baseline itself, with the recipe's
encoder and decoder beside it, for where nothing errs less.
"""

import dataclasses
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ssdgm_train import problems
from ssdgm_train.data import store, targets
from ssdgm_train.labels import lookup
from ssdgm_train.labels.classes import Classes
from ssdgm_train.method import Sizes
from ssdgm_train.methods import gmdgm, m2, segment
from ssdgm_train.methods.classifiers import baseline
from ssdgm_train.models import weighting
from ssdgm_train.networks import builder
from ssdgm_train.networks.pooled import LONG
from ssdgm_train.problems import Problem
from ssdgm_train.recipes import recipe
from ssdgm_train.regularisation import phases
from ssdgm_train.regularisation.plan import (
    FEATURES,
    GRAPH,
    PEERS,
    Regularisation,
)
from ssdgm_train.runs.session import Session
from ssdgm_train.settings import RecipeError

Values = dict[str, Any]

THRESHOLD, AVERAGE = 0.8, 0.995
SMALL, LARGE = (32, 64, 64), (32, 32, 64, 64, 128)
"""Channels of a classifier's own convolutions, of sides up to `LONG` and of longer ones."""

TEACHER, CHANGED = 6, 5
"""How many times less than labels weigh what a graph or peers say, and changed rows of a table."""

KERNELS = 200
"""Random kernels of a classifier of windows."""

SPREAD_ROWS = 20_000
"""The most training rows over which labels are spread."""

PLAIN = (problems.ROWS, problems.TABLE)
"""Kinds of rows that are close to one another where their labels are the same."""


@dataclass(frozen=True)
class Candidate:
    """A recipe to try, by its name in tables and files."""

    name: str
    plan: recipe.Recipe


@dataclass(frozen=True)
class Ground:
    """What candidates follow from.

    Attributes:
        recipe: The recommended recipe.
        problem: The rows and labels.
        sizes: How many training rows have a label, and how many have none.
        mapped: Whether rows are read from disk as they are needed.
    """

    recipe: recipe.Recipe
    problem: Problem
    sizes: Sizes
    mapped: bool


def method(changes: Sequence[str]) -> str:
    """The method whose recipes are tried: one that finds classes, where some are to be found.

    Of masks it is the one that knows them.
    """
    of_data = [change for change in changes if change.startswith("data.")]
    wanted = recipe.load(None, m2.METHOD.name, of_data).data
    if wanted.labels_as == targets.MASKS:
        return segment.METHOD.name
    return gmdgm.METHOD.name if wanted.extra_classes else m2.METHOD.name


def of(session: Session) -> tuple[Candidate, ...]:
    """The candidates for a run's rows and labels, the recommended recipe first.

    Args:
        session: The run, with the recommended recipe.
    """
    return on(_ground(session))


def on(ground: Ground) -> tuple[Candidate, ...]:
    """The candidates that follow from a recipe, rows and labels, the recipe first."""
    base, weight = ground.recipe, _weight(ground)
    every = [Candidate(base.method, base)]
    if weight:
        laid = _laid(ground, weight)
        every += (Candidate(f"{base.method}-{name}", plan) for name, plan in laid)
    if base.method == m2.METHOD.name and type(ground.problem.labels) is Classes:
        every.append(Candidate(baseline.METHOD.name, _beside(base)))
    return tuple(one for one in every if _possible(one.plan, ground))


def label_weight(session: Session) -> float:
    """The weight of the classifier's term; 0 where no teacher can be laid over it."""
    ground = _ground(session)
    return 0.0 if ground.mapped else _weight(ground)


def _ground(session: Session) -> Ground:
    mapped = store.mapped(session.data.x)
    return Ground(session.recipe, session.run.read().problem, session.sizes, mapped)


def _weight(ground: Ground) -> float:
    """The weight of the classifier's term; 0 where no regulariser is laid over it.

    Regularisers are for m2 and classes, all of which have labels, beside rows without one.
    """
    plan, nothing = ground.recipe, np.zeros(0, np.int64)
    known = ground.problem.labels.codes(nothing) is not None and ground.sizes.unlabelled > 0
    if not known or plan.method != m2.METHOD.name or lookup.is_own(plan.data.labels_as):
        return 0.0
    model: Any = plan.model
    return weighting.stated(model, ground.sizes)["classifier"]


def _laid(ground: Ground, weight: float) -> Iterator[tuple[str, recipe.Recipe]]:
    """The recipe with other regularisers, by name, those that promise most first."""
    base, problem = ground.recipe, ground.problem
    own, pooled = base.regularise, _pooled(problem)
    changed = weight / CHANGED if problem.kind in PLAIN else weight
    alike: Values = {"consistency": changed, "augmented": changed, "average": AVERAGE}
    alike["threshold"] = THRESHOLD
    if problem.kind == problems.WINDOWS and not base.model.kernels:
        seen: Values = {"taught": weight, "teachers": (FEATURES,)}
        yield "kernels", _over(_with_kernels(base), seen, {})
    if problem.kind in PLAIN and not own.taught and ground.sizes.total <= SPREAD_ROWS:
        yield GRAPH, _over(base, {"taught": weight / TEACHER, "teachers": (GRAPH,)}, pooled)
    if _coloured(problem) and not own.mirror:
        yield "mirrored", _over(base, {**alike, "mirror": True}, pooled)
    if own.weights:
        yield "plain", dataclasses.replace(base, regularise=Regularisation())
    else:
        yield "consistent", _over(base, alike, pooled)


def _beside(base: recipe.Recipe) -> recipe.Recipe:
    """The baseline, with the encoder and the decoder that a recipe of m2 has."""
    names = [field.name for field in dataclasses.fields(baseline.Config)]
    model = baseline.Config(**{name: getattr(base.model, name) for name in names})
    return dataclasses.replace(
        base, method=baseline.METHOD.name, model=model, regularise=Regularisation()
    )


def _with_kernels(base: recipe.Recipe) -> recipe.Recipe:
    """The recipe with random kernels instead of convolutions that are trained."""
    model: Any = dataclasses.replace(base.model, **{"pooled": (), "kernels": KERNELS})
    return dataclasses.replace(base, model=model)


def _coloured(problem: Problem) -> bool:
    grid = builder.grid_of(problem)
    return problem.kind == problems.IMAGE and grid is not None and grid.channels > 1


def _pooled(problem: Problem) -> Values:
    """The setting of the classifier's own convolutions; none for rows without a grid."""
    grid = builder.grid_of(problem)
    if grid is None:
        return {}
    return {"pooled": LARGE if max(grid.sides) > LONG else SMALL}


def with_peers(plan: recipe.Recipe, peers: int, weight: float) -> recipe.Recipe:
    """A recipe whose run is also taught by peers, as much as by its other teachers if it has some.

    Args:
        plan: The recipe.
        peers: How many; below two the recipe stays as it is, as does one that none can teach.
        weight: Of labels, see `label_weight`.
    """
    own = plan.regularise
    if peers < 2 or not weight or PEERS in own.teachers or not plan.spec.trains:
        return plan
    teachers = (*own.teachers, PEERS) if own.taught else (PEERS,)
    taught = own.taught or weight / TEACHER
    changed = dataclasses.replace(own, taught=taught, teachers=teachers, peers=peers)
    return dataclasses.replace(plan, regularise=changed)


def _over(base: recipe.Recipe, asked: Values, model: Values) -> recipe.Recipe:
    """A recipe with settings of regularisers and of the model, where it has none of its own."""
    own, bare = base.regularise, Regularisation()
    wanted = {k: v for k, v in asked.items() if getattr(own, k) == getattr(bare, k)}
    open_ = {k: v for k, v in model.items() if not getattr(base.model, k)}
    return dataclasses.replace(
        base,
        regularise=dataclasses.replace(own, **wanted),
        model=dataclasses.replace(base.model, **open_),
    )


def _possible(plan: recipe.Recipe, ground: Ground) -> bool:
    """Whether the method, the labels and the rows can have a recipe's regularisers."""
    try:
        phases.check(plan.regularise, plan.spec, ground.problem, ground.mapped)
    except RecipeError:
        return False
    return True
