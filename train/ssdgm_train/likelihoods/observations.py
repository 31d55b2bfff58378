"""From raw rows to observations, the inputs of networks and likelihoods, and back to units.

An observation is a row flattened, shifted and scaled. For a table it consists of the standardised
numbers, zero if missing; a one-hot block for every category, all zero if it is missing, unknown or
was seen only in held-out rows; and, for every number with gaps in training rows, a one if it is
present, else a zero.
"""

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

import torch
from torch import Tensor, nn

from ssdgm_train.probability import shapes
from ssdgm_train.problems import Problem


@runtime_checkable
class Observes(Protocol):
    """A module from raw rows to observations."""

    @property
    def width(self) -> int:
        """The number of features of an observation."""

    def __call__(self, x: Tensor) -> Tensor:
        """[batch, *shape] in the data's own dtype and units to [batch, width]."""

    def inverse(self, x: Tensor) -> Tensor:
        """Expected observations back to the data's own units, float."""

    def in_units(self, parameters: dict[str, Tensor]) -> dict[str, Tensor]:
        """A likelihood's named parameters in the data's own units."""


class Standardise(nn.Module):
    """Raw rows to observations: flatten, cast, subtract `shift`, divide by `scale`.

    Args:
        shape: The shape of one row.
        shift: One number, or one a feature.
        scale: One positive number, or one a feature.
    """

    shift: Tensor
    scale: Tensor

    def __init__(
        self, shape: Sequence[int], shift: Sequence[float], scale: Sequence[float]
    ) -> None:
        super().__init__()
        self.shape = tuple(shape)
        self.register_buffer("shift", torch.tensor(shift, dtype=torch.float32))
        self.register_buffer("scale", torch.tensor(scale, dtype=torch.float32))

    @property
    def width(self) -> int:
        """The number of features."""
        return int(torch.Size(self.shape).numel())

    def forward(self, x: shapes.Rows) -> shapes.Flat:
        """[batch, *shape] in the data's own dtype and units to [batch, features]."""
        return (x.flatten(1).to(self.shift.dtype) - self.shift) / self.scale

    def fold(self, x: shapes.Flat) -> Tensor:
        """[batch, features] to [batch, *shape]."""
        return x.reshape(*x.shape[:-1], *self.shape)

    def stretch(self, x: shapes.Flat) -> Tensor:
        """A spread in observation units to one in the data's own units, [batch, *shape]."""
        return self.fold(x * self.scale)

    def inverse(self, x: shapes.Flat) -> Tensor:
        """Observations back to [batch, *shape] in the data's own units, float."""
        return self.fold(x * self.scale + self.shift)

    def in_units(self, parameters: dict[str, Tensor]) -> dict[str, Tensor]:
        """A likelihood's named parameters as [batch, *shape] in the data's own units."""
        ways = {"mean": self.inverse, "scale": self.stretch, "probs": self.fold}
        return {name: ways[name](value) for name, value in parameters.items()}


class Tabulate(nn.Module):
    """A table's rows to observations, with a scaling that was fitted on training rows.

    Args:
        problem: The problem of a table.
    """

    shift: Tensor
    scale: Tensor
    column: Tensor
    code: Tensor
    gaps: Tensor
    seen: Tensor

    def __init__(self, problem: Problem) -> None:
        super().__init__()
        self.numbers, blocks = problem.numbers, problem.blocks
        column = [self.numbers + i for i, size in enumerate(blocks) for _ in range(size)]
        self.register_buffer("shift", torch.tensor(problem.shift, dtype=torch.float32))
        self.register_buffer("scale", torch.tensor(problem.scale, dtype=torch.float32))
        self.register_buffer("column", torch.tensor(column, dtype=torch.int64))
        code = [float(code) for size in blocks for code in range(size)]
        self.register_buffer("code", torch.tensor(code, dtype=torch.float32))
        self.register_buffer("gaps", torch.tensor(problem.gaps, dtype=torch.int64))
        seen = [float(i not in problem.unseen) for i in range(len(code))]
        self.register_buffer("seen", torch.tensor(seen, dtype=torch.float32))

    @property
    def width(self) -> int:
        """The number of features of an observation."""
        return self.numbers + len(self.code) + len(self.gaps)

    def forward(self, x: shapes.Rows) -> shapes.Flat:
        """[batch, columns], with NaN and -1 for missing values, to [batch, width]."""
        parts, raw = [], x.to(self.scale.dtype)
        if self.numbers:
            numbers = raw[:, : self.numbers]
            missing = torch.isnan(numbers)
            parts.append(((numbers - self.shift) / self.scale).masked_fill(missing, 0.0))
        if len(self.code):
            parts.append((raw[:, self.column] == self.code).to(raw.dtype) * self.seen)
        if len(self.gaps):
            parts.append((~missing[:, self.gaps]).to(raw.dtype))
        return torch.cat(parts, 1) if len(parts) > 1 else parts[0]

    def inverse(self, x: Tensor) -> Tensor:
        """The numbers of observations [batch, numbers] in the data's own units."""
        return x * self.scale + self.shift

    def in_units(self, parameters: dict[str, Tensor]) -> dict[str, Tensor]:
        """A likelihood's named parameters; those of numbers in the data's own units."""
        scaled = dict(parameters)
        if "mean" in scaled:
            scaled |= {"mean": self.inverse(scaled["mean"]), "scale": scaled["scale"] * self.scale}
        return scaled


def observer_for(problem: Problem) -> Standardise | Tabulate:
    """The module that makes observations of a problem's rows."""
    if problem.columns:
        return Tabulate(problem)
    return Standardise(problem.shape, problem.shift, problem.scale)
