"""Regularisers laid over the phases of a method that train q(y | x)."""

import dataclasses
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor

from ssdgm_train import method
from ssdgm_train.augmentation.choice import Augment, augmentation_for
from ssdgm_train.augmentation.images import Images
from ssdgm_train.labels.classes import Classes
from ssdgm_train.labels.dense import Dense
from ssdgm_train.labels.points import Points
from ssdgm_train.labels.space import Regular
from ssdgm_train.method import Batch, Context, Phase, Player, Terms
from ssdgm_train.problems import IMAGE, WINDOWS, Problem
from ssdgm_train.regularisation import following, terms
from ssdgm_train.regularisation.plan import FEATURES, Regularisation
from ssdgm_train.settings import RecipeError
from ssdgm_train.training import loop

ENCODED = (IMAGE, WINDOWS)
"""The kinds of rows that have features which no label has formed."""


def check(plan: Regularisation, spec: method.Method, problem: Problem, mapped: bool) -> None:
    """Refuse regularisers that a method, its labels or its rows cannot have.

    Args:
        plan: The settings.
        spec: The method.
        problem: The problem.
        mapped: Whether rows are read from disk as they are needed.

    Raises:
        RecipeError: They cannot.
    """
    space = problem.labels
    judges = hasattr(spec.build, "judge") and spec.trains
    faults = {
        f"{space.space} know no regulariser": not isinstance(space, Regular | Points),
        "points know augmented and consistency alone": isinstance(space, Points)
        and not plan.weights.keys() <= {*following.TERMS},
        f"{spec.name} has no q(y | x) of rows that it could train": not judges,
        "a teacher knows of classes alone, each with labels": plan.taught
        and type(space) is not Classes,
        "adversarial steps are of rows with one label": plan.adversarial
        and isinstance(space, Dense),
        "a teacher needs all rows in memory": plan.taught and mapped,
        "the teacher features needs images or windows": plan.taught
        and FEATURES in plan.teachers
        and problem.kind not in ENCODED,
    }
    settings = " and ".join(f"regularise.{name}" for name in plan.weights)
    for fault, holds in faults.items():
        if plan.weights and holds:
            raise RecipeError(f"{settings} is set, and {fault}", mend="Leave it out.")


def regularised(
    stages: Sequence[loop.Stage], plan: Regularisation, problem: Problem
) -> tuple[loop.Stage, ...]:
    """Stages whose phases minimise the terms of a plan too, where they train q(y | x).

    The first player of each such phase has the terms and the average.
    """
    return tuple(
        dataclasses.replace(stage, phase=_phase(stage.phase, plan, problem)) for stage in stages
    )


def _phase(phase: Phase, plan: Regularisation, problem: Problem) -> Phase:
    first, *others = phase.players
    if not phase.classifies or not (plan.weights or plan.average):
        return phase
    if not plan.weights:
        averaged = dataclasses.replace(first, average=plan.average)
        return dataclasses.replace(phase, players=(averaged, *others))
    player = _player(first, phase, plan, problem)
    unprepared = [dataclasses.replace(p, loss=_prepared(p, phase, 1)) for p in others]
    return dataclasses.replace(phase, players=(player, *unprepared), prepare=method.raw)


def _player(own: Player, phase: Phase, plan: Regularisation, problem: Problem) -> Player:
    """A player with the terms of a plan beside its own; its batches are raw rows."""
    loss, augment = _prepared(own, phase, plan.every), augmentation_for(problem, plan.mirror)
    answered = _answered(problem, augment)

    def both(model: Any, batch: Batch, context: Context) -> Terms:  # noqa: ANN401
        x, u = model.standardise(batch.x), model.standardise(batch.u)
        rows = terms.Rows(model, x, batch.y, u, batch.taught, context.noise, plan, augment)
        further = answered(rows)
        if plan.adversarial:
            every = torch.cat([x, u])
            further["adversarial"] = terms.adversarial(
                model, model.labels, every, plan.radius, context.noise
            )
        return {**loss(model, batch, context), **further}

    weights = {**own.weights, **plan.weights}
    return dataclasses.replace(own, loss=both, weights=weights, average=plan.average)


def _answered(problem: Problem, augment: Augment) -> Callable[[terms.Rows], Terms]:
    """From a batch to its terms; points follow the pictures that they are points of."""
    space = problem.labels
    if isinstance(space, Points) and isinstance(augment, Images):
        return partial(following.answered, images=augment, space=space)
    return terms.answered


def _prepared(player: Player, phase: Phase, every: int) -> method.Loss:
    """A player's loss of raw rows, of which it has every so many of the unlabelled."""

    def loss(model: Any, batch: Batch, context: Context) -> Terms:  # noqa: ANN401
        with torch.no_grad():
            x, u = (_rows(phase, model, rows) for rows in (batch.x, batch.u[::every]))
        return player.loss(model, Batch(x, batch.y, u), context)

    return loss


def _rows(phase: Phase, model: Any, rows: Tensor) -> Tensor:  # noqa: ANN401
    return phase.prepare(model, rows)
