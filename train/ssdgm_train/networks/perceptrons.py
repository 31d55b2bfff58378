r"""Networks: perceptrons whose inputs broadcast, and Gaussian outputs.

The first layer of a network with several inputs is a sum of projections,
\(W_x x + W_y y + b\), instead of one product with the concatenation. The numbers are the same; but
with \(x\) as [batch, 1, features] and \(y\) as [classes, classes] each projection is computed
once and only the sum is [batch, classes, hidden], so evaluating every class needs no further
product with \(x\).
"""

import contextlib
import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from typing import Protocol, runtime_checkable

import torch
from torch import Tensor, nn

from ssdgm_train.probability import distributions, shapes

LARGEST = 20.0
"""The largest log-variance: rows far from the training data get a wide, finite posterior."""

Convolution = nn.Conv1d | nn.Conv2d | nn.ConvTranspose1d | nn.ConvTranspose2d

ACTIVATIONS: dict[str, Callable[[], nn.Module]] = {
    "relu": nn.ReLU,
    "silu": nn.SiLU,
    "softplus": nn.Softplus,
    "tanh": nn.Tanh,
}


class Joint(nn.Module):
    """A linear layer of several inputs: the sum of their projections and one bias."""

    def __init__(self, inputs: Sequence[int], out: int) -> None:
        super().__init__()
        whole = nn.Linear(sum(inputs), out)
        parts = torch.split(whole.weight.detach(), list(inputs), dim=1)
        self.weights = nn.ParameterList([nn.Parameter(part.clone()) for part in parts])
        self.bias = nn.Parameter(whole.bias.detach().clone())

    def forward(self, *inputs: Tensor) -> Tensor:
        """[..., inputs[i]] each, with leading axes that broadcast, to [..., out]."""
        total: Tensor = nn.functional.linear(inputs[0], self.weights[0], self.bias)
        for x, weight in zip(inputs[1:], self.weights[1:], strict=True):
            total = total + nn.functional.linear(x, weight)
        return total


class BatchNorm(nn.BatchNorm1d):
    """Batch normalisation that uses its running averages for a batch of one number per feature."""

    def forward(self, x: Tensor) -> Tensor:
        """[batch, features], or [batch, channels, *sides] for maps, to the same shape."""
        if self.training and x.numel() < 2 * self.num_features:
            return nn.functional.batch_norm(
                x, self.running_mean, self.running_var, self.weight, self.bias, eps=self.eps
            )
        return super().forward(x)

    def _check_input_dim(self, x: Tensor) -> None:
        """Accept any number of sides."""


class FeatureNorm(BatchNorm):
    """The same for features in the last axis, whatever axes lead."""

    def forward(self, x: Tensor) -> Tensor:
        """[..., features] to the same shape."""
        if x.dim() == 2:
            return super().forward(x)
        return super().forward(x.reshape(-1, self.num_features)).reshape(x.shape)


@contextlib.contextmanager
def averages_kept(net: nn.Module) -> Iterator[None]:
    """Inside, no forward pass changes the running averages of batch normalisation.

    A pass over every class would fill them with rows that have labels which they do not have.
    """
    norms = [part for part in net.modules() if isinstance(part, BatchNorm)]
    momenta = [norm.momentum for norm in norms]
    for norm in norms:
        norm.momentum = 0.0
    try:
        yield
    finally:
        for norm, momentum in zip(norms, momenta, strict=True):
            norm.momentum = momentum


@runtime_checkable
class Ends(Protocol):
    """The last module of a network."""

    def ends(self, count: int) -> tuple[Tensor, Tensor]:
        """The weights and biases of the last `count` outputs, detached."""


class MLP(nn.Module):
    """A perceptron of one or several inputs.

    Args:
        inputs: The width of each input.
        hidden: The width of each hidden layer, at least one.
        out: The width of the output.
        activation: A key of `ACTIVATIONS`.
        batch_norm: Normalise every hidden layer over the batch.
        before: The module that the first input passes first; its output has width `inputs[0]`.
        after: The module that the output passes last; its input has width `out`.

    Example:
        >>> net = MLP([4, 3], hidden=(8,), out=2)
        >>> net(torch.zeros(7, 1, 4), torch.eye(3)).shape
        torch.Size([7, 3, 2])
    """

    def __init__(
        self,
        inputs: Sequence[int],
        hidden: Sequence[int],
        out: int,
        activation: str = "relu",
        batch_norm: bool = False,
        *,
        before: nn.Module | None = None,
        after: nn.Module | None = None,
    ) -> None:
        super().__init__()
        self.hidden, self.activation = tuple(hidden), activation
        self.before: Callable[[Tensor], Tensor] = before or nn.Identity()
        self.first = Joint(inputs, hidden[0])
        layers: list[nn.Module] = _after(hidden[0], activation, batch_norm)
        for former, width in itertools.pairwise(hidden):
            layers += [nn.Linear(former, width), *_after(width, activation, batch_norm)]
        self.rest = nn.Sequential(*layers, nn.Linear(hidden[-1], out))
        self.after: Callable[[Tensor], Tensor] = after or nn.Identity()

    def forward(self, x: Tensor, *others: Tensor) -> Tensor:
        """[..., inputs[i]] each to [..., out], in the weights' precision even under autocast."""
        outputs = self.after(self.rest(self.first(self.before(x), *others)))
        precision = self.first.bias.dtype
        return outputs if outputs.dtype == precision else outputs.to(precision)

    @property
    def last(self) -> str:
        """The name of the perceptron's last layer."""
        return f"rest.{len(self.rest) - 1}"

    def ends(self, count: int) -> tuple[Tensor, Tensor]:
        """The weights and biases of the last `count` outputs, detached."""
        if isinstance(self.after, Ends):
            return self.after.ends(count)
        weight, bias = (self.get_parameter(f"{self.last}.{part}") for part in ("weight", "bias"))
        return weight.detach()[-count:], bias.detach()[-count:]

    def hidden_state(self) -> dict[str, Tensor]:
        """The weights of all layers but the last, by name."""
        return {k: v for k, v in self.state_dict().items() if not k.startswith(f"{self.last}.")}


class GaussianMLP(MLP):
    """A perceptron whose output is a diagonal Gaussian over `latent` dimensions."""

    def __init__(
        self,
        inputs: Sequence[int],
        hidden: Sequence[int],
        latent: int,
        activation: str = "relu",
        batch_norm: bool = False,
        *,
        before: nn.Module | None = None,
    ) -> None:
        super().__init__(inputs, hidden, 2 * latent, activation, batch_norm, before=before)

    def forward(self, x: Tensor, *others: Tensor) -> distributions.Normal:  # type: ignore[override]
        """[..., inputs[i]] each to a Normal [..., latent]; the network outputs log-variances."""
        mean, log_variance = super().forward(x, *others).chunk(2, -1)
        return distributions.Normal(mean, torch.exp(0.5 * log_variance.clamp(max=LARGEST)))


class Fourier(nn.Module):
    r"""Random Fourier features \(\sqrt{2 / D} \cos(W z + b)\), products of which are a kernel's.

    \(W \sim N(0, \ell^{-2})\) and \(b \sim U(0, 2 \pi)\) are drawn once and not trained.
    """

    weight: Tensor
    bias: Tensor

    def __init__(self, inputs: int, features: int, length: float) -> None:
        super().__init__()
        self.register_buffer("weight", torch.randn(features, inputs) / length)
        self.register_buffer("bias", 2 * math.pi * torch.rand(features))

    def forward(self, z: shapes.Codes) -> Tensor:
        """[batch, inputs] to [batch, features]."""
        cosines = torch.cos(nn.functional.linear(z, self.weight, self.bias))
        return math.sqrt(2 / len(self.bias)) * cosines


def small_(net: MLP) -> None:
    """N(0, 0.001^2) for weights, zero biases: the initial values of the paper's M2."""
    for name, value in net.named_parameters():
        nn.init.zeros_(value) if name.endswith("bias") else nn.init.normal_(value, std=1e-3)


def fan_in_(net: MLP) -> None:
    """N(0, 1 / inputs) for weights, N(0, 0.01^2) for biases: those of the authors' M1."""
    for layer in net.modules():
        if isinstance(layer, Joint | nn.Linear | Convolution):
            weights = [*layer.weights] if isinstance(layer, Joint) else [layer.weight]
            inputs = sum(_inputs(layer, weight) for weight in weights)
            for weight in weights:
                nn.init.normal_(weight, std=inputs**-0.5)
            assert layer.bias is not None
            nn.init.normal_(layer.bias, std=0.01)


def glorot_(net: MLP) -> None:
    """Uniform weights of variance 2 / (inputs + outputs), zero biases (Glorot, Bengio, 2010)."""
    for layer in net.modules():
        if isinstance(layer, Joint):
            whole = torch.cat([*layer.weights], 1).detach()
            nn.init.xavier_uniform_(whole)
            parts = torch.split(whole, [weight.shape[1] for weight in layer.weights], 1)
            for weight, part in zip(layer.weights, parts, strict=True):
                weight.data.copy_(part)
            nn.init.zeros_(layer.bias)
        elif isinstance(layer, nn.Linear | Convolution):
            nn.init.xavier_uniform_(layer.weight)
            assert layer.bias is not None
            nn.init.zeros_(layer.bias)


def _inputs(layer: nn.Module, weight: Tensor) -> float:
    """The number of inputs of one output of a layer; the average for a transposed one."""
    places = weight[0, 0].numel()
    if isinstance(layer, nn.ConvTranspose1d | nn.ConvTranspose2d):
        return weight.shape[0] * places / math.prod(layer.stride)
    return float(weight.shape[1] * places)


def _as_built(net: MLP) -> None:
    """Keep torch's initial weights."""


INITIALISERS: dict[str, Callable[[MLP], None]] = {
    "torch": _as_built,
    "small": small_,
    "fan_in": fan_in_,
    "glorot": glorot_,
}


def initialise(net: MLP, name: str, spreads: int = 0) -> None:
    """Initialise the weights of a network.

    Args:
        net: The network.
        name: A key of `INITIALISERS`.
        spreads: How many of the last outputs are log-spreads, whose weights and biases are zero
            at first unless `name` is "torch", as in the authors' encoders.
    """
    INITIALISERS[name](net)
    if spreads and name != "torch":
        for part in net.ends(spreads):
            nn.init.zeros_(part)


def _after(width: int, activation: str, batch_norm: bool) -> list[nn.Module]:
    norm: list[nn.Module] = [FeatureNorm(width)] if batch_norm else []
    return [*norm, ACTIVATIONS[activation]()]
