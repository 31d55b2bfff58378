"""The loop: a generator of `Step` records that reduces, steps and schedules, and prints nothing.

Everything that must survive an interruption is in the model and in `State`; with both restored,
on the same machine and number of threads, the records that follow are the same to the bit.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from ssdgm_runtime import errors
from ssdgm_train import method, schedules, settings

LARGEST_BATCH = 1_000_000
Draw = Callable[[int], method.Batch]


class Diverged(errors.SsdgmError, ArithmeticError):
    """A loss is no longer finite."""


@dataclass(frozen=True)
class Plan:
    """How a run is optimised.

    Attributes:
        steps: Updates in all, shared among the method's phases.
        labelled_batch: Labelled rows a step.
        unlabelled_batch: Unlabelled rows a step.
        learning_rate: Adam's step size.
        schedule: A key of `schedules.SCHEDULES`, over each phase.
        beta1: Adam's decay of the first moment.
        beta2: Adam's decay of the second moment.
        weight_prior: Precision of a zero-mean Gaussian prior on all parameters; 1 is the paper's
            N(0, I). Its gradient enters with 1 / N.
        clip_norm: Largest norm of the gradient; 0 does not clip.
    """

    steps: int = settings.setting(20_000, settings.above(0))
    labelled_batch: int = settings.setting(100, settings.between(1, LARGEST_BATCH + 1))
    unlabelled_batch: int = settings.setting(100, settings.between(1, LARGEST_BATCH + 1))
    learning_rate: float = settings.setting(1e-3, settings.above(0))
    schedule: str = settings.setting("cosine", settings.among(schedules.SCHEDULES))
    beta1: float = settings.setting(0.9, settings.between(0, 1))
    beta2: float = settings.setting(0.999, settings.between(0, 1))
    weight_prior: float = settings.setting(0.0, settings.between(0, 1e9))
    clip_norm: float = settings.setting(0.0, settings.between(0, 1e9))


@dataclass
class State:
    """Where a run is: steps done, each player's optimiser, the random source."""

    step: int
    optimisers: dict[str, torch.optim.Adam]
    generator: torch.Generator


@dataclass(frozen=True)
class Step:
    """One update: its number from 1, its phase, each term's mean over the batch (on device)."""

    number: int
    phase: str
    terms: dict[str, Tensor]


def start(
    model: nn.Module,
    phases: Sequence[method.Phase],
    plan: Plan,
    sizes: method.Sizes,
    seed: int,
    device: torch.device,
) -> State:
    """The state before the first step."""
    decay = plan.weight_prior / sizes.total
    optimisers = {
        player.name: torch.optim.Adam(
            list(player.parameters(model)),
            lr=plan.learning_rate,
            betas=(plan.beta1, plan.beta2),
            weight_decay=decay,
            fused=True,
        )
        for phase in phases
        for player in phase.players
    }
    return State(0, optimisers, torch.Generator(device).manual_seed(seed))


def fit(
    model: nn.Module,
    phases: Sequence[method.Phase],
    plan: Plan,
    sizes: method.Sizes,
    draw: Draw,
    state: State,
) -> Iterator[Step]:
    """Train from `state` to the end of the plan, yielding after every update.

    The model is put into training mode before every update, so the caller may evaluate it between
    two records.

    Whether the numbers are still finite is for the caller to `check`, when it looks at them.
    """
    ends = _ends(phases, plan.steps)
    while state.step < plan.steps:
        index = next(i for i, end in enumerate(ends) if state.step < end)
        begin = ends[index - 1] if index else 0
        progress = (state.step - begin) / (ends[index] - begin)
        context = method.Context(progress, sizes, state.generator)
        batch = draw(state.step)
        model.train()
        terms: dict[str, Tensor] = {}
        for player in phases[index].players:
            terms |= _play(player, model, batch, context, plan, state.optimisers[player.name])
        state.step += 1
        yield Step(state.step, phases[index].name, terms)


class Window:
    """Each term's mean over some steps, kept on the device until it is asked for."""

    def __init__(self) -> None:
        self._sums: dict[str, tuple[Tensor, int]] = {}

    def add(self, terms: dict[str, Tensor]) -> None:
        """Count a step's terms in; a phase may lack some."""
        for name, value in terms.items():
            total, count = self._sums.get(name, (torch.zeros_like(value), 0))
            self._sums[name] = (total + value, count + 1)

    def means(self) -> dict[str, float]:
        """The terms as numbers, in nats an example."""
        return {name: float(total) / count for name, (total, count) in self._sums.items()}


def check(model: nn.Module, step: int, terms: dict[str, float]) -> dict[str, float]:
    """The terms, if they and every weight are finite.

    The terms of a step come from the weights before its update, so weights are looked at too.

    Raises:
        Diverged: One is not finite.
    """
    weights = all(bool(value.isfinite().all()) for value in model.state_dict().values())
    if not weights or not all(map(math.isfinite, terms.values())):
        found = terms if weights else "weights that are not finite"
        raise Diverged(
            f"training diverged at step {step}: {found}",
            "finite terms and weights",
            "Lower train.learning_rate or set train.clip_norm=5; the last checkpoint is kept.",
        )
    return terms


def _ends(phases: Sequence[method.Phase], steps: int) -> list[int]:
    """The step at which each phase ends."""
    whole = sum(phase.share for phase in phases)
    shares = [phase.share / whole for phase in phases]
    return [round(steps * sum(shares[: i + 1])) for i in range(len(shares))]


def _play(
    player: method.Player,
    model: nn.Module,
    batch: method.Batch,
    context: method.Context,
    plan: Plan,
    optimiser: torch.optim.Adam,
) -> dict[str, Tensor]:
    losses = player.loss(model, batch, context)
    means = {name: _mean(value) for name, value in losses.items()}
    total: Any = sum(player.weights[name] * mean for name, mean in means.items())
    optimiser.zero_grad()
    total.backward()
    if plan.clip_norm:
        nn.utils.clip_grad_norm_(list(player.parameters(model)), plan.clip_norm)
    for group in optimiser.param_groups:
        group["lr"] = plan.learning_rate * schedules.SCHEDULES[plan.schedule](context.progress)
    optimiser.step()
    return {name: mean.detach() for name, mean in means.items()}


def _mean(value: Tensor) -> Tensor:
    """The mean over a batch; nothing where the batch has no such rows."""
    return value.sum() / max(value.numel(), 1)
