"""Axes that may have many lengths: the sides of pictures whose labels are masks.

Such an axis is a multiple of the label space's stride, "16*height" or "16*width", in the manifest
as in the graph.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import torch

from ssdgm_runtime.rows import tensor as declared
from ssdgm_train.labels import Dense, Space
from ssdgm_train.problems import Problem

SIDES = ("height", "width")
FEW, MORE = {"height": 1, "width": 1}, {"height": 3, "width": 4}
"""How many strides the sides of two examples have."""

Lengths = Mapping[str, int]


def axes(labels: Space) -> tuple[str, ...]:
    """The two sides of a picture, where they are free; else nothing."""
    return tuple(f"{labels.stride}*{side}" for side in SIDES) if isinstance(labels, Dense) else ()


def of_rows(problem: Problem) -> tuple[int | str, ...]:
    """The shape of a row of a problem, whose sides may be free."""
    sides = axes(problem.labels)
    return (*sides, *problem.shape[len(sides) :])


def of_labels(labels: Space) -> tuple[int | str, ...]:
    """The shape of a label, whose last axes are those sides."""
    sides = axes(labels)
    return (*labels.shape[: len(labels.shape) - len(sides)], *sides)


def row(spec: declared.Tensor, lengths: Lengths = FEW) -> tuple[int, ...]:
    """The shape of a row of so many strides."""
    return tuple(n if isinstance(n, int) else _length(n, lengths) for n in spec.shape[1:])


def shape(few: Sequence[int], more: Sequence[int], labels: Space) -> tuple[int | str, ...]:
    """The shape of an output's row, from what it is with examples of `FEW` and `MORE` strides."""
    free = axes(labels)
    if not free:
        return tuple(few)
    lengths = [(_length(axis, FEW), _length(axis, MORE)) for axis in free]
    named = {pair: axis for pair, axis in zip(lengths, free, strict=True)}
    return tuple(named.get(pair, pair[0]) for pair in zip(few, more, strict=True))


def dynamic(specs: Sequence[declared.Tensor], batch: Any) -> tuple[dict[int, Any], ...]:  # noqa: ANN401
    """The dynamic axes of inputs, as `torch.export` has them."""
    dims = {side: torch.export.Dim(side, min=1, max=1 << 12) for side in SIDES}

    def of(spec: declared.Tensor) -> dict[int, Any]:
        sides = {i: n for i, n in enumerate(spec.shape) if i and isinstance(n, str)}
        return {0: batch, **{i: _step(n) * dims[n.partition("*")[2]] for i, n in sides.items()}}

    return tuple(of(spec) for spec in specs)


def _step(axis: str) -> int:
    return int(axis.partition("*")[0])


def _length(axis: str, lengths: Lengths) -> int:
    return _step(axis) * lengths[axis.partition("*")[2]]
