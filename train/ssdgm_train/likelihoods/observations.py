"""From raw rows to observations, the inputs of networks and likelihoods, and back to units.

An observation is a row flattened, shifted and scaled. For a table it consists of the standardised
numbers, zero if missing; a one-hot block for every category, all zero if it is missing, unknown or
was seen only in held-out rows; and, for every number with gaps in training rows, a one if it is
present, else a zero. For rows of several views it consists of the observations of each.
"""

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

import torch
from torch import Tensor, nn

from ssdgm_train.labels.dense import Dense
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

    def stretch(self, x: Tensor) -> Tensor:
        """A spread in observation units to one in the data's own units, [batch, *shape]."""
        return self.fold(x * self.scale)

    def inverse(self, x: Tensor) -> Tensor:
        """Observations back to [batch, *shape] in the data's own units, float."""
        return self.fold(x * self.scale + self.shift)

    def in_units(self, parameters: dict[str, Tensor]) -> dict[str, Tensor]:
        """A likelihood's named parameters as [batch, *shape] in the data's own units."""
        ways = {"mean": self.inverse, "scale": self.stretch, "probs": self.fold}
        return {name: ways[name](value) for name, value in parameters.items()}


class Maps(Standardise):
    """Pictures of any size to maps of observations, all of whose places are scaled alike."""

    def forward(self, x: shapes.Rows) -> Tensor:
        """[batch, h, w] or [batch, h, w, channels] to [batch, channels, h, w]."""
        rows = (x.to(self.shift.dtype) - self.shift) / self.scale
        return rows.movedim(-1, 1) if len(self.shape) > 2 else rows[:, None]

    def fold(self, x: Tensor) -> Tensor:
        """[batch, channels, h, w] to pictures."""
        return x.movedim(1, -1) if len(self.shape) > 2 else x[:, 0]


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


class Gather(nn.Module):
    """Whole rows of several views to observations: those of every view, then one if it is there.

    The observation of a view that is missing is zero, and so is the number that tells so.

    Args:
        problem: The problem of rows with views.
    """

    def __init__(self, problem: Problem) -> None:
        super().__init__()
        self.names, parts = [*problem.parts], problem.parts.values()
        self.views = nn.ModuleList([observer_for(part) for part in parts])
        self.widths = [part.width for part in parts]

    @property
    def width(self) -> int:
        """The number of features of an observation."""
        return sum(self.widths) + len(self.widths)

    def forward(self, x: shapes.Rows) -> shapes.Flat:
        """[batch, width of a whole row], NaN where a view is missing, to [batch, width]."""
        raw = torch.split(x.to(self._precision), self.widths, 1)
        missing = [torch.isnan(part[:, :1]) for part in raw]
        parts = [
            observer(part).masked_fill(gone, 0.0)
            for observer, part, gone in zip(self.views, raw, missing, strict=True)
        ]
        flags = [(~gone).to(self._precision) for gone in missing]
        return torch.cat([*parts, *flags], 1)

    @property
    def _precision(self) -> torch.dtype:
        return next(self.buffers()).dtype

    def inverse(self, x: Tensor) -> Tensor:
        """Expected observations of all views, without flags, to whole rows in their own units."""
        parts = zip(self.views, torch.split(x, self.widths, -1), strict=True)
        return torch.cat([_of(observer).inverse(part).flatten(1) for observer, part in parts], -1)

    def in_units(self, parameters: dict[str, Tensor]) -> dict[str, Tensor]:
        """Parameters `KIND.VIEW` of likelihoods in the units of their view."""
        scaled = {}
        for key, value in parameters.items():
            kind, _, name = key.partition(".")
            observer = _of(self.views[self.names.index(name)])
            scaled[key] = observer.in_units({kind: value})[kind]
        return scaled


def _of(observer: nn.Module) -> Observes:
    """A module of a list as what it is."""
    assert isinstance(observer, Observes)
    return observer


class Masked(Standardise):
    """Series of unequal length to observations: zero after their ends, then where each goes on.

    Args:
        shape: [channels, time].
        shift: As of `Standardise`.
        scale: As of `Standardise`.
    """

    @property
    def width(self) -> int:
        """The number of features: all values, and one for every moment."""
        return super().width + self.shape[-1]

    def forward(self, x: shapes.Rows) -> shapes.Flat:
        """[batch, channels, time], NaN after an end, to [batch, (channels + 1) * time]."""
        there = ~torch.isnan(x)
        seen = super().forward(x).masked_fill(~there.flatten(1), 0.0)
        return torch.cat([seen, there[:, 0].to(seen.dtype)], 1)


Observer = Standardise | Tabulate | Gather


def observer_for(problem: Problem) -> Observer:
    """The module that makes observations of a problem's rows."""
    if problem.views:
        return Gather(problem)
    if problem.columns:
        return Tabulate(problem)
    if isinstance(problem.labels, Dense):
        return Maps(problem.shape, problem.shift, problem.scale)
    kind = Masked if problem.padded else Standardise
    return kind(problem.shape, problem.shift, problem.scale)
