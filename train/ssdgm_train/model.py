"""What a model declares: its distributions, from which the graphs of a bundle follow.

From a model's `Conditional`s follow the tasks of its bundle, the graphs that are traced, the
manifest, and what the runtime offers; no layer asks a model for anything else.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from ssdgm_train.labels.space import Space

CLASSIFIER, ENCODER, PRIOR, DECODER, SCORER = COMPONENTS = (
    "classifier",
    "encoder",
    "prior",
    "decoder",
    "scorer",
)
"""The conditionals that the runtime knows tasks for."""

RAW = "raw"
"""The output that stands for q(y | x): the label space turns it into what a graph gives."""

TASKS: dict[str, frozenset[str]] = {
    "classify": frozenset({CLASSIFIER}),
    "encode": frozenset({ENCODER}),
    "reconstruct": frozenset({ENCODER, DECODER}),
    "generate": frozenset({DECODER}),
    "score": frozenset({SCORER}),
}
"""The conditionals that each task of a bundle needs."""

Answer = Mapping[str, Tensor]


@dataclass(frozen=True)
class Conditional:
    """One distribution of a model, which a bundle ships as a graph.

    Attributes:
        name: Such as "classifier", "encoder", "prior", "decoder" and "scorer".
        call: (model, **inputs) to named outputs. Rows x come raw, [batch, *shape]; y are
            probabilities or values [batch, *space.shape], z latents. An output "raw" are the raw
            numbers of q(y | x). The decoder gives "x", the mean, and the likelihood's parameters
            in the data's own units; the encoder "z_mean" and "z_scale"; the prior "z"; the scorer
            "score", higher for stranger rows.
        given: Which of "x", "y" and "z" it takes.
        noise: Further inputs, by name, which take standard normal numbers; zeros give the mean
            path. Noise of one name is one draw in every graph of a bundle.
    """

    name: str
    call: Callable[..., Answer]
    given: tuple[str, ...]
    noise: tuple[str, ...] = ()


def classifier(call: Callable[..., Tensor], noise: tuple[str, ...] = ()) -> Conditional:
    """q(y | x) from a function that gives its raw numbers."""
    return Conditional(CLASSIFIER, lambda *a, **b: {RAW: call(*a, **b)}, ("x",), noise)


def encoder(
    call: Callable[..., tuple[Tensor, Tensor]], *given: str, noise: tuple[str, ...] = ()
) -> Conditional:
    """q(z | x) or q(z | x, y) from a function that gives a mean and a standard deviation."""

    def named(*a: Any, **b: Any) -> Answer:  # noqa: ANN401  (a model and its inputs)
        mean, scale = call(*a, **b)
        return {"z_mean": mean, "z_scale": scale}

    return Conditional(ENCODER, named, given, noise)


def decoder(call: Callable[..., Answer], *given: str, noise: tuple[str, ...] = ()) -> Conditional:
    """p(x | z) or p(x | y, z) from a function that gives "x" and its parameters."""
    return Conditional(DECODER, call, given, noise)


def prior(call: Callable[..., Tensor], noise: str) -> Conditional:
    """p(z | y) from a function of y and noise that gives a z."""
    return Conditional(PRIOR, lambda *a, **b: {"z": call(*a, **b)}, ("y",), (noise,))


class Model(nn.Module):
    """What a method builds.

    Attributes:
        conditionals: The distributions that its bundle ships.
        labels: The label space.
        widths: The numbers in a row of every latent and noise, by the name of the input.
    """

    conditionals: ClassVar[tuple[Conditional, ...]] = ()
    labels: Space
    widths: Mapping[str, int]

    def conditional(self, name: str) -> Conditional | None:
        """A declared distribution; None where the model has none of that name."""
        return next((each for each in self.conditionals if each.name == name), None)

    @property
    def remarks(self) -> tuple[str, ...]:
        """Sentences for the card of its bundle, on what else the bundle holds."""
        return ()

    def answer(self, name: str, **inputs: Tensor) -> Answer:
        """The outputs of a declared distribution; noise that is not given is zero."""
        conditional = self.conditional(name)
        assert conditional is not None, f"{type(self).__name__} declares no {name}"
        rows = next(iter(inputs.values()))
        missing = [each for each in conditional.noise if each not in inputs]
        zeros = {
            each: torch.zeros(len(rows), self.widths[each], device=rows.device) for each in missing
        }
        return conditional.call(self, **inputs, **zeros)
