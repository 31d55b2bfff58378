"""What a search is going to do, fixed before its first fold so that it can be interrupted.

`RUN/portfolio.json` has it: the candidates' recipes and steps, and what scikit-learn's classifiers
came to in the same folds. Whatever depends on the machine's speed is in there, so the same plan
gives the same choice.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ssdgm_train.data import store
from ssdgm_train.evaluation import Trial, trials
from ssdgm_train.evaluation.practice import Tried
from ssdgm_train.portfolio import budget, candidates
from ssdgm_train.recipes import recipe
from ssdgm_train.runs import choice, directory, records
from ssdgm_train.runs.session import Session

NAME = "portfolio.json"
FOLDS = 3
"""The most parts that the labelled rows are held out in."""

Json = dict[str, Any]


@dataclass(frozen=True)
class Planned:
    """A candidate.

    Attributes:
        name: Of it.
        recipe: Its recipe, with the steps of the last run.
    """

    name: str
    recipe: Json

    @property
    def plan(self) -> recipe.Recipe:
        """The recipe."""
        return recipe.from_table(self.recipe)


@dataclass(frozen=True)
class Plan:
    """A search.

    Attributes:
        rows: How many labelled rows are held out in turns.
        folds: In how many parts; 0 where the first candidate is taken without any.
        steps: Of each candidate in each fold.
        candidates: The recommended recipe first.
        baseline: What scikit-learn's classifiers came to in the same folds.
        notes: What was left out and why, in sentences.
    """

    rows: int
    folds: int
    steps: int
    candidates: tuple[Planned, ...]
    baseline: tuple[Trial, ...] = ()
    notes: tuple[str, ...] = ()

    def folded(self, candidate: Planned) -> int:
        """The steps of a candidate in a fold: one where no step trains q(y | x)."""
        return self.steps if candidate.plan.spec.trains else 1


def settled(session: Session) -> Plan:
    """The plan that lies in a run's directory, or a new one, which is written there."""
    path = session.run.path / NAME
    if path.exists():
        return records.load(path, Plan)
    plan = made(session)
    directory.write_json(path, plan)
    return plan


def made(session: Session) -> Plan:
    """A new plan: candidates are timed, and scikit-learn's classifiers tried."""
    began, every = budget.clock(), candidates.of(session)
    rows, folds = choice.folded(session, FOLDS) if len(every) > 1 else (np.zeros(0, int), ())
    tries = choice.attempts(session, {}, FOLDS) if folds else None
    labelled = session.split.labelled
    kept = np.setdiff1d(labelled, rows[folds[0]]) if folds else labelled
    costs = [budget.timed(session, kept, one.plan) for one in (every if folds else every[:1])]
    portfolio, own = session.run.read().portfolio, session.recipe.train.steps
    assert portfolio is not None
    spent = budget.clock() - began
    steps = budget.divided(costs, own, len(folds), 60 * portfolio.budget, spent)
    chosen = [every[k] for k in steps.kept]
    weight = candidates.label_weight(session)
    planned = [
        Planned(one.name, recipe.to_table(_last(one.plan, last, peers, weight)))
        for one, last, peers in zip(chosen, steps.last, steps.peers, strict=True)
    ]
    if not steps.fold:
        return Plan(0, 0, 0, tuple(planned), notes=_notes(every, chosen, bool(folds)))
    tried = (tries.best, tries.graph) if tries else ()
    baseline = tuple(_trial(one.tried, len(rows)) for one in tried if one)
    notes = _notes(every, chosen, True)
    return Plan(len(rows), len(folds), steps.fold, tuple(planned), baseline, notes)


def _last(plan: recipe.Recipe, steps: int, peers: int, weight: float) -> recipe.Recipe:
    """The recipe of the last run; only one that is long enough to be at its end has peers."""
    whole = steps >= plan.train.steps
    return candidates.with_peers(recipe.stepped(plan, steps), peers if whole else 0, weight)


def _notes(
    every: Sequence[candidates.Candidate],
    chosen: Sequence[candidates.Candidate],
    folded: bool,
) -> tuple[str, ...]:
    """Why there is less to compare than there might be."""
    names = [one.name for one in every if one not in chosen]
    if len(every) == 1:
        return ("There is one candidate for such rows and labels, so nothing was compared.",)
    if not folded:
        return (
            "No class has two labelled training rows, so nothing was cross-validated and the "
            f"recommended recipe is taken; {', '.join(names)} not tried.",
        )
    if len(chosen) == 1:
        only = f"The budget leaves time for {chosen[0].name} only, so nothing is compared"
        return (f"{only}; {', '.join(names)} not tried.",)
    return (f"The budget has no time for {', '.join(names)}.",) if names else ()


def _trial(tried: Tried, rows: int) -> Trial:
    error = tried.error or 0.0
    return Trial(tried.name, error, trials.deviation(error, rows))


def held(session: Session) -> tuple[store.Indices, ...]:
    """The rows that are held out in turns."""
    rows, folds = choice.folded(session, FOLDS)
    return tuple(rows[fold] for fold in folds)
