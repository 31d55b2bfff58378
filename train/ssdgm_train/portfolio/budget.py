"""How the minutes of a budget are divided: steps of every fold, and of the last run.

Folds get at most half of the time, less where the last run needs it. Of what they leave, a part is
kept for the baseline, which every run ends with, and for a machine that becomes slower.
"""

import itertools
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass

from ssdgm_train.data import store
from ssdgm_train.recipes import recipe
from ssdgm_train.regularisation import plan as regularisation
from ssdgm_train.runs import fitting
from ssdgm_train.runs.session import Session, again

LEAST_SEARCH, SEARCH = 1 / 4, 0.5
"""The shares of the budget that folds may always take, and where the last run needs no more."""

LAST = 0.7
"""The share of what is left then that the steps of the last run may take."""

LEAST = 60
"""Fewer steps than these tell candidates apart no more."""

PEERS = 3
"""The most peers that teach a last run; fewer where there is no time for so many."""

TIMED = 6
"""Steps by which a candidate is timed."""


@dataclass(frozen=True)
class Cost:
    """Seconds before a candidate's first step, and of each step.

    Attributes:
        setup: Before the first.
        step: Of each.
        folded: Whether its steps train q(y | x), so that it needs them in every fold too.
    """

    setup: float
    step: float
    folded: bool = True

    def of(self, steps: int) -> float:
        """Seconds of a training."""
        return self.setup + steps * self.step


@dataclass(frozen=True)
class Steps:
    """The steps that a budget leaves.

    Attributes:
        kept: Which candidates there is time for, by their numbers.
        fold: Steps of each of them in each fold; 0 without folds.
        last: Steps of the last run, for each of them.
        peers: As many peers as there is time for to teach it, for each of them.
    """

    kept: tuple[int, ...]
    fold: int
    last: tuple[int, ...]
    peers: tuple[int, ...]


def clock() -> float:
    """Seconds since some moment."""
    return time.perf_counter()


def timed(session: Session, labelled: store.Indices, plan: recipe.Recipe) -> Cost:
    """What a candidate costs, by its first few steps; peers that teach it cost as much as it does.

    Args:
        session: The run.
        labelled: The labelled rows of a fold.
        plan: The candidate's recipe.
    """
    marks, peers = [clock()], 0
    if plan.regularise.taught and regularisation.PEERS in plan.regularise.teachers:
        plan, peers = fitting.peerless(plan), plan.regularise.peers
    for step in fitting.fit(again(session, labelled, recipe.stepped(plan, TIMED))):
        _ = [float(value) for value in step.terms.values()]  # waits for the device
        marks.append(clock())
    first, *others = (after - before for before, after in itertools.pairwise(marks))
    each = statistics.median(others or [first])
    times = peers + 1
    return Cost(times * max(0.0, first - each), times * each, plan.spec.trains)


def divided(costs: Sequence[Cost], own: int, folds: int, seconds: float, spent: float) -> Steps:
    """Divide a budget; candidates that it has no time for are left out, the last first.

    The first of them, which has the recommended recipe, always stays, and those that folds need
    not train stay as long as there are folds.

    Args:
        costs: Of each candidate, those that promise most first.
        own: The steps that the recipe has by itself.
        folds: How often each candidate is trained without some of the labels; 0 for never.
        seconds: The budget.
        spent: What of it is gone.
    """
    kept, least = list(range(len(costs))) if folds else [0], min(LEAST, own)
    fold = _fold([costs[k] for k in kept], folds, _search(costs, kept, own, seconds) - spent)
    while len(kept) > 1 and fold < least:
        trained = [k for k in kept[1:] if costs[k].folded]
        kept = [k for k in kept if k != trained[-1]] if trained else kept[:1]
        fold = _fold([costs[k] for k in kept], folds, _search(costs, kept, own, seconds) - spent)
    fold = min(fold, own) if len(kept) > 1 else 0
    searched = (
        folds * sum(costs[k].of(fold if costs[k].folded else 1) for k in kept) if fold else 0.0
    )
    left = LAST * (seconds - spent - searched)
    wanted = (int((left - costs[k].setup) / max(costs[k].step, 1e-9)) for k in kept)
    last = tuple(min(own, max(least, steps)) for steps in wanted)
    runs = (int(left / max(costs[k].of(steps), 1e-9)) for k, steps in zip(kept, last, strict=True))
    return Steps(tuple(kept), fold, last, tuple(min(PEERS, max(0, run - 1)) for run in runs))


def _search(costs: Sequence[Cost], kept: Sequence[int], own: int, seconds: float) -> float:
    """The seconds of a search that leave the costliest last run its own steps, within bounds."""
    rest = max(costs[k].of(own) for k in kept) / LAST
    return min(SEARCH * seconds, max(LEAST_SEARCH * seconds, seconds - rest))


def _fold(costs: Sequence[Cost], folds: int, seconds: float) -> int:
    """The steps of each candidate in each fold that seconds leave."""
    setup = sum(cost.setup for cost in costs)
    step = sum(cost.step for cost in costs if cost.folded)
    return max(0, int((seconds / max(folds, 1) - setup) / max(step, 1e-9)))
