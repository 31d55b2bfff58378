"""Which recipes are tried for a data set: the recommended one, and regularisers laid over it.

Each regulariser weighs as much as the labels do in the classifier's term, a teacher a sixth of
that. What the recipe sets itself stays as it is.
"""

import dataclasses
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ssdgm_train import problems
from ssdgm_train.data import store
from ssdgm_train.labels import lookup
from ssdgm_train.methods import gmdgm, m2
from ssdgm_train.models.weighting import WEIGHTINGS
from ssdgm_train.networks import builder
from ssdgm_train.networks.pooled import LONG
from ssdgm_train.problems import Problem
from ssdgm_train.recipes import recipe
from ssdgm_train.regularisation import phases
from ssdgm_train.regularisation.plan import Regularisation
from ssdgm_train.runs.session import Session
from ssdgm_train.settings import RecipeError

Values = dict[str, Any]

THRESHOLD, AVERAGE = 0.8, 0.995
SMALL, LARGE = (32, 64, 64), (32, 32, 64, 64, 128)
"""Channels of a classifier's own convolutions, of sides up to `LONG` and of longer ones."""

TEACHER = 6
"""How many times less a teacher's answers weigh than labels."""

SPREAD_ROWS = 20_000
"""The most training rows of a table over which labels are spread."""


@dataclass(frozen=True)
class Candidate:
    """A recipe to try, by its name in tables and files."""

    name: str
    plan: recipe.Recipe


def method(changes: Sequence[str]) -> str:
    """The method whose recipes are tried: one that finds classes, where some are to be found."""
    wanted = recipe.load(None, m2.METHOD.name, changes).data.extra_classes
    return gmdgm.METHOD.name if wanted else m2.METHOD.name


def of(session: Session) -> tuple[Candidate, ...]:
    """The candidates for a run's rows and labels, the simplest first.

    Args:
        session: The run, with the recommended recipe.
    """
    base, problem = session.recipe, session.run.read().problem
    every = [Candidate(base.method, base)]
    weight = _weight(session)
    if weight and session.sizes.unlabelled and _compared(session, problem):
        every += (
            Candidate(f"{base.method}-{name}", plan) for name, plan in _laid(session, weight)
        )
    return tuple(one for one in every if _possible(one.plan, problem, session))


def _compared(session: Session, problem: Problem) -> bool:
    """Whether there is anything to compare: classes, all of which have labels, and m2."""
    plan, nothing = session.recipe, np.zeros(0, np.int64)
    known = problem.labels.codes(nothing) is not None
    return known and plan.method == m2.METHOD.name and not lookup.is_own(plan.data.labels_as)


def _weight(session: Session) -> float:
    """The weight of the classifier's term; 0 where the method has no such term."""
    model = session.recipe.model
    if not hasattr(model, "alpha") or not hasattr(model, "weighting"):
        return 0.0
    return WEIGHTINGS[model.weighting](model.alpha, session.sizes)["classifier"]


def _laid(session: Session, weight: float) -> Iterator[tuple[str, recipe.Recipe]]:
    """The recipe with regularisers, by name."""
    base, problem = session.recipe, session.run.read().problem
    alike: Values = {"consistency": weight, "augmented": weight, "average": AVERAGE}
    alike["threshold"] = THRESHOLD
    taught: Values = {"taught": weight / TEACHER}
    pooled = _pooled(problem)
    yield "consistent", _over(base, alike, pooled)
    if problem.kind in (problems.ROWS, problems.TABLE) and session.sizes.total <= SPREAD_ROWS:
        yield "taught", _over(base, taught, pooled)
        yield "taught-consistent", _over(base, {**taught, **alike}, pooled)


def _pooled(problem: Problem) -> Values:
    """The setting of the classifier's own convolutions; none for rows without a grid."""
    grid = builder.grid_of(problem)
    if grid is None:
        return {}
    return {"pooled": LARGE if max(grid.sides) > LONG else SMALL}


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


def _possible(plan: recipe.Recipe, problem: Problem, session: Session) -> bool:
    """Whether the method, the labels and the rows can have a recipe's regularisers."""
    try:
        phases.check(plan.regularise, plan.spec, problem, store.mapped(session.data.x))
    except RecipeError:
        return False
    return True
