"""The training loop: a generator of `Step` records that averages losses and updates the weights.

Everything that must survive an interruption is in the model and in `State`; if both are restored,
on the same machine with the same number of threads, the following records are the same to the bit.
"""

import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from ssdgm_runtime import errors
from ssdgm_train import method, settings
from ssdgm_train.probability.noise import Noise
from ssdgm_train.training import averaging, cuts, memory, schedules

LARGEST_BATCH = 1_000_000


class Diverged(errors.SsdgmError, ArithmeticError):
    """A loss is no longer finite."""


@dataclass(frozen=True)
class Plan:
    """How a phase is optimised.

    Attributes:
        steps: Updates of each phase; 0: 20,000, or 4,000 with convolutions, unless the phase has
            a number of its own.
        labelled_batch: Labelled rows per step.
        unlabelled_batch: Unlabelled rows per step.
        learning_rate: Adam's step size.
        schedule: The learning rate over the phase: "cosine" goes down to zero; "staircase" takes
            three quarters at each of five steps; or "constant".
        beta1: Adam's decay of the first moment.
        beta2: Adam's decay of the second moment.
        weight_prior: Precision of a zero-mean Gaussian prior on all parameters; 1 is the paper's
            N(0, I). Its gradient enters with 1 / N.
        decay: By which share of themselves, times the learning rate, weights shrink with every
            update, apart from Adam (Loshchilov and Hutter, 2019).
        clip_norm: Largest norm of the gradient; 0 does not clip.
        precision: "float32", or "mixed": networks multiply in bfloat16 if the device has
            instructions for it, twice as fast; their outputs, the bounds and the weights stay
            float32. Exported graphs are always float32.
    """

    steps: int = settings.setting(0, settings.between(0, 1e9))
    labelled_batch: int = settings.setting(100, settings.between(1, LARGEST_BATCH + 1))
    unlabelled_batch: int = settings.setting(100, settings.between(1, LARGEST_BATCH + 1))
    learning_rate: float = settings.setting(1e-3, settings.above(0))
    schedule: str = settings.setting("cosine", settings.among(schedules.SCHEDULES))
    beta1: float = settings.setting(0.9, settings.between(0, 1))
    beta2: float = settings.setting(0.999, settings.between(0, 1))
    weight_prior: float = settings.setting(0.0, settings.between(0, 1e9))
    decay: float = settings.setting(0.0, settings.between(0, 1e3))
    clip_norm: float = settings.setting(0.0, settings.between(0, 1e9))
    precision: str = settings.setting("float32", settings.among(("float32", "mixed")))


@dataclass(frozen=True)
class Stage:
    """A phase and how it is optimised."""

    phase: method.Phase
    plan: Plan


Draw = Callable[[int], method.Batch]
"""From the number of a step within its phase, counted from 0, to its batch."""

Serve = Callable[[Stage, nn.Module], Draw]
"""Enter a stage: from (stage, model) to the source of its batches."""


@dataclass
class State:
    """The state of a run.

    Attributes:
        step: Steps done.
        optimisers: Each player's.
        generator: The random source.
        averages: Running averages of the parameters of players that keep some, by name.
    """

    step: int
    optimisers: dict[str, torch.optim.Adam]
    generator: torch.Generator
    averages: dict[str, Tensor] = field(default_factory=dict)


@dataclass(frozen=True)
class Step:
    """One update: its number from 1, its phase, each term's mean over the batch (on device)."""

    number: int
    phase: str
    terms: dict[str, Tensor]


def start(
    model: nn.Module,
    stages: Sequence[Stage],
    sizes: method.Sizes,
    seed: int,
    device: torch.device,
) -> State:
    """The state before the first step."""
    optimisers = {
        player.name: torch.optim.Adam(
            _groups(player, model),
            lr=stage.plan.learning_rate,
            betas=_betas(player.optimiser, stage.plan),
            weight_decay=stage.plan.weight_prior / sizes.total,
            fused=True,
        )
        for stage in stages
        for player in stage.phase.players
    }
    players = [player for stage in stages for player in stage.phase.players]
    averages = averaging.start(model, players)
    return State(0, optimisers, torch.Generator(device).manual_seed(seed), averages)


def _betas(own: method.Optimiser, plan: Plan) -> tuple[float, float]:
    beta1, beta2 = own.beta1, own.beta2
    return plan.beta1 if beta1 is None else beta1, plan.beta2 if beta2 is None else beta2


def _groups(player: method.Player, model: nn.Module) -> list[dict[str, Any]]:
    """The player's parameters by the factor on their learning rate."""
    rates, groups = player.rates(model), dict[float, list[nn.Parameter]]()
    for value in player.parameters(model):
        factor = player.optimiser.rate * rates.get(value, 1.0)
        groups.setdefault(factor, []).append(value)
    return [{"params": values, "rate": rate} for rate, values in groups.items()]


def length(stages: Sequence[Stage]) -> int:
    """The number of steps of a run."""
    return sum(stage.plan.steps for stage in stages)


def fit(
    model: nn.Module, stages: Sequence[Stage], sizes: method.Sizes, serve: Serve, state: State
) -> Iterator[Step]:
    """Train from `state` to the end of the last stage, yielding after every update.

    The model is put into training mode before every update, so the caller may evaluate it between
    two records. Whether the numbers are still finite is for the caller to check, with
    `check_finite`.

    Raises:
        OutOfMemory: A step does not fit into memory; the message says which batch would.
    """
    ends = itertools.accumulate(stage.plan.steps for stage in stages)
    for stage, end in zip(stages, ends, strict=True):
        if state.step < end:
            yield from _stage(model, stage, end, sizes, serve(stage, model), state)


def _stage(
    model: nn.Module, stage: Stage, end: int, sizes: method.Sizes, draw: Draw, state: State
) -> Iterator[Step]:
    while state.step < end:
        done = state.step - (end - stage.plan.steps)
        context = method.Context(done / stage.plan.steps, sizes, Noise(state.generator))
        batch = cuts.seen(draw(done), model, context.noise)
        model.train()
        terms: dict[str, Tensor] = {}
        for player in stage.phase.players:
            turn = player, model, context, stage.plan, state.optimisers[player.name]
            terms |= _fitting(state.step + 1, turn, batch)
            averaging.update(model, player, state.averages, done)
        state.step += 1
        yield Step(state.step, stage.phase.name, terms)


class Window:
    """Each term's mean over some steps, kept on the device until `means` is called."""

    def __init__(self) -> None:
        self._sums: dict[str, tuple[Tensor, int]] = {}

    def add(self, terms: dict[str, Tensor]) -> None:
        """Add the terms of a step; phases may have different terms."""
        for name, value in terms.items():
            total, count = self._sums.get(name, (torch.zeros_like(value), 0))
            self._sums[name] = (total + value, count + 1)

    def means(self) -> dict[str, float]:
        """The means of the terms, in nats per example."""
        return {name: float(total) / count for name, (total, count) in self._sums.items()}


def check_finite(model: nn.Module, step: int, terms: dict[str, float]) -> dict[str, float]:
    """Return the terms, after checking that they and every weight are finite.

    The terms of a step are computed before its update, so weights are checked too.

    Raises:
        Diverged: A term or a weight is not finite.
    """
    weights = all(bool(value.isfinite().all()) for value in model.state_dict().values())
    if not weights or not all(map(math.isfinite, terms.values())):
        fault = f"the terms are {terms}" if weights else "some weights are not finite"
        raise Diverged(
            f"Training diverged at step {step}: {fault}",
            mend="Lower the learning_rate or set train.clip_norm=5; the last checkpoint is kept.",
        )
    return terms


_Turn = tuple[method.Player, nn.Module, method.Context, Plan, torch.optim.Adam]


def _fitting(step: int, turn: _Turn, batch: method.Batch) -> dict[str, Tensor]:
    """`_play`, with an error that says which batch would fit where this one does not."""
    try:
        return _play(*turn, batch)
    except (MemoryError, RuntimeError) as error:
        if not memory.exceeded(error):
            raise
    # the exception is gone, and with it the frames that hold what was computed
    raise memory.explained(step, batch, partial(_slopes, *turn))


def _slopes(
    player: method.Player,
    model: nn.Module,
    context: method.Context,
    plan: Plan,
    optimiser: torch.optim.Adam,
    batch: method.Batch,
) -> dict[str, Tensor]:
    """Compute the gradients of a player's loss; its terms' means."""
    with _precision(plan.precision, batch.x.device):
        losses = player.loss(model, batch, context)
    means = {name: _mean(value) for name, value in losses.items()}
    total: Any = sum(player.weights[name] * mean for name, mean in means.items())
    optimiser.zero_grad()
    total.backward()
    return means


def _play(
    player: method.Player,
    model: nn.Module,
    context: method.Context,
    plan: Plan,
    optimiser: torch.optim.Adam,
    batch: method.Batch,
) -> dict[str, Tensor]:
    """Update a player's parameters; its terms' means before that."""
    means = _slopes(player, model, context, plan, optimiser, batch)
    if plan.clip_norm:
        nn.utils.clip_grad_norm_(list(player.parameters(model)), plan.clip_norm)
    rate = plan.learning_rate * schedules.SCHEDULES[plan.schedule](context.progress)
    for group in optimiser.param_groups:
        group["lr"] = rate * group["rate"]
        if plan.decay:
            _shrink(group["params"], 1 - group["lr"] * plan.decay)
    optimiser.step()
    return {name: mean.detach() for name, mean in means.items()}


@torch.no_grad()
def _shrink(weights: Sequence[nn.Parameter], factor: float) -> None:
    """Multiply weights in place; biases and the scales of normalisations stay."""
    for weight in weights:
        if weight.dim() > 1:
            weight.mul_(factor)


def multiplies_bfloat16(device: torch.device) -> bool:
    """Whether a device has instructions for bfloat16."""
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    return any(on for name, on in torch.cpu.get_capabilities().items() if "bf16" in name)


def _precision(name: str, device: torch.device) -> torch.autocast:
    """The context in which networks multiply with this precision."""
    mixed = name == "mixed" and multiplies_bfloat16(device)
    return torch.autocast(device.type, torch.bfloat16, enabled=mixed)


def _mean(value: Tensor) -> Tensor:
    """The mean over a batch; zero if the batch has no such rows."""
    return value.sum() / max(value.numel(), 1)
