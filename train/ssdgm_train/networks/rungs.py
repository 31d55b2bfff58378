r"""The layers of a ladder network: of its encoder, which normalises, and of its decoder.

\(N_B\) makes the mean of each feature over the rows at hand 0 and its variance 1. A layer of the
encoder is \(z = N_B(W h)\), \(\phi(\gamma (z + \beta))\), in two steps, because noise is added
between them. One of the decoder is a `Rung`: \(u = N_B(V \hat z)\) from above, and g(z, u).

References:
    Semi-Supervised Learning with Ladder Networks (Rasmus, Valpola, Honkala, Berglund, Raiko,
    2015), section 3, algorithm 1, and equation 2 for g.
"""

from collections.abc import Callable, Iterator
from typing import NamedTuple

import torch
from torch import Tensor, nn

SMALLEST = 1e-10
"""What is added to a variance, as in the authors' code."""

MOMENTUM = 0.1
"""The share of a batch in the running averages, as in the authors' code."""


class Moments(NamedTuple):
    """The mean and the standard deviation of every feature, [width] each."""

    mean: Tensor
    deviation: Tensor

    def normalised(self, z: Tensor) -> Tensor:
        """[n, width] less the mean, divided by the deviation."""
        return (z - self.mean) / self.deviation


def moments(z: Tensor) -> Moments:
    """The moments of rows [n, width] themselves."""
    return Moments(z.mean(0), (z.var(0, correction=0) + SMALLEST).sqrt())


class Layer(nn.Module):
    """A layer of the encoder, with running averages of what its rows were normalised by.

    Args:
        before: The width below.
        width: Its own.
        activation: What comes last.
    """

    mean: Tensor
    variance: Tensor

    def __init__(self, before: int, width: int, activation: nn.Module) -> None:
        super().__init__()
        self.linear = _linear(before, width)
        self.shift = nn.Parameter(torch.zeros(width))
        self.scale = nn.Parameter(torch.ones(width))
        self.activation: Callable[[Tensor], Tensor] = activation
        self.register_buffer("mean", torch.zeros(width))
        self.register_buffer("variance", torch.ones(width))

    def project(self, h: Tensor) -> Tensor:
        """[n, before] to [n, width], in the weights' precision even under autocast."""
        z: Tensor = self.linear(h)
        return z.to(self.shift.dtype)

    def moments(self, z: Tensor) -> Moments:
        """Of rows [n, width] themselves; the running averages for a single row."""
        return moments(z) if len(z) > 1 else self.kept()

    def kept(self) -> Moments:
        """The running averages."""
        return Moments(self.mean, (self.variance + SMALLEST).sqrt())

    @torch.no_grad()
    def keep(self, z: Tensor) -> None:
        """Take the statistics of rows [n, width] into the running averages; not a single row's."""
        if len(z) > 1:
            self.mean.lerp_(z.mean(0), MOMENTUM)
            self.variance.lerp_(z.var(0), MOMENTUM)

    def activate(self, z: Tensor) -> Tensor:
        """Normalised values to the output, [n, width] both."""
        return self.activation(self.scale * (z + self.shift))

    def forward(self, h: Tensor) -> Tensor:
        """[n, before] to [n, width] by the running averages, each row by itself."""
        return self.activate(self.kept().normalised(self.project(h)))


class Combinator(nn.Module):
    r"""\(g(z, u) = (z - \mu(u)) \upsilon(u) + \mu(u)\), which gives zero at first.

    \(\mu(u) = a_1 \sigma(a_2 u + a_3) + a_4 u + a_5\), and \(\upsilon(u)\) the same with \(a_6\)
    to \(a_{10}\), all of them a number for each feature.

    Example:
        >>> Combinator(4)(torch.ones(7, 4), torch.ones(7, 4)).abs().max().item()
        0.0
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.a = nn.Parameter(torch.zeros(10, width))
        self.a.data[[1, 6]] = 1.0

    def forward(self, z: Tensor, u: Tensor) -> Tensor:
        """Noisy values and what comes from above, [n, width] each, to denoised values."""
        mean, gain = self._of(u)
        return (z - mean) * gain + mean

    def _of(self, u: Tensor) -> Iterator[Tensor]:
        for a, b, c, d, e in self.a.chunk(2):
            yield a * torch.sigmoid(b * u + c) + d * u + e


class Rung(nn.Module):
    """A layer of the decoder.

    Args:
        upper: The width above.
        width: Its own.
        linear: Whether V is a matrix; if not, both widths are the same.
    """

    def __init__(self, upper: int, width: int, linear: bool = True) -> None:
        super().__init__()
        self.down: Callable[[Tensor], Tensor] = _linear(upper, width) if linear else nn.Identity()
        self.combine = Combinator(width)

    def forward(self, z: Tensor, upper: Tensor) -> Tensor:
        """Noisy values [n, width] and what is above, [n, upper], to denoised values [n, width]."""
        u = self.down(upper).to(z.dtype)
        denoised: Tensor = self.combine(z, moments(u).normalised(u))
        return denoised


def _linear(before: int, width: int) -> nn.Linear:
    """A matrix whose products with features of variance 1 have a variance of about 1."""
    layer = nn.Linear(before, width, bias=False)
    nn.init.normal_(layer.weight, std=before**-0.5)
    return layer
