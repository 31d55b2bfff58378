"""From raw rows to observations, what networks and likelihoods work on, and back to units.

An observation is a row flattened, shifted and scaled. A table's has its numbers, standardised and
zero where they are missing; then a one-hot block for every category, all zero where it is missing,
unknown or was seen in held-out rows alone; then a one for every number that is there, of those
columns that have gaps.
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
    """A table's rows to observations; whatever is fitted was fitted on training rows.

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
        """[batch, columns], NaN and -1 where a value is missing, to [batch, width]."""
        parts, raw = [], x.to(self.scale.dtype)
        if self.numbers:
            found = raw[:, : self.numbers]
            missing = torch.isnan(found)
            parts.append(((found - self.shift) / self.scale).masked_fill(missing, 0.0))
        if len(self.code):
            parts.append((raw[:, self.column] == self.code).to(raw.dtype) * self.seen)
        if len(self.gaps):
            parts.append((~missing[:, self.gaps]).to(raw.dtype))
        return torch.cat(parts, 1) if len(parts) > 1 else parts[0]

    def inverse(self, x: Tensor) -> Tensor:
        """The numbers of observations [batch, numbers] in the data's own units."""
        return x * self.scale + self.shift

    def in_units(self, parameters: dict[str, Tensor]) -> dict[str, Tensor]:
        """A likelihood's named parameters, the numbers' in the data's own units."""
        found = dict(parameters)
        if "mean" in found:
            found |= {"mean": self.inverse(found["mean"]), "scale": found["scale"] * self.scale}
        return found


def of(problem: Problem) -> Standardise | Tabulate:
    """The module that makes observations of a problem's rows."""
    if problem.columns:
        return Tabulate(problem)
    return Standardise(problem.shape, problem.shift, problem.scale)
