"""Classifiers that no step trains: of support vectors, neighbours, trees, or a matrix.

Each gives the raw numbers of its classes for observations, as scikit-learn's of the same kind
does, by functions that a graph can have: all trees are walked down at once, by gathering.
"""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from ssdgm_train.networks.convolutions import Grid
from ssdgm_train.networks.kernels import Kernels

FEWEST = 1e-3
"""The smallest probability of an answer: few labels make nobody surer."""

LEAST = 1e-12
"""A share of votes whose logarithm stands for none."""

THIRD = 3
"""Sums of what pairs of classes say count less than a vote, as scikit-learn has it."""


class Part(nn.Module):
    """A module that is made of tensors alone, which are its buffers.

    Args:
        tensors: By the names of the buffers.
    """

    def __init__(self, **tensors: Tensor) -> None:
        super().__init__()
        for name, value in tensors.items():
            self.register_buffer(name, value.clone())


class Matrix(Part):
    """Features to numbers by one matrix: `weight` [features, K], `bias` [K]."""

    weight: Tensor
    bias: Tensor

    def forward(self, x: Tensor) -> Tensor:
        """[batch, features] to [batch, K]."""
        return x @ self.weight + self.bias


class Machine(Part):
    """A support vector machine with a radial kernel, one for each pair of classes.

    Its buffers are `rows` [S, features], `gamma` [], `weight` [S, pairs], `bias` [pairs], and
    `sides` [pairs, K], which is 1 for the class that a pair's positive answers are for and -1 for
    the other.
    """

    rows: Tensor
    gamma: Tensor
    weight: Tensor
    bias: Tensor
    sides: Tensor

    def forward(self, x: Tensor) -> Tensor:
        """[batch, features] to [batch, K]."""
        said = (-self.gamma * _squares(x, self.rows)).exp() @ self.weight + self.bias
        sums = said @ self.sides
        if self.sides.shape[1] == 2:
            return sums
        votes = torch.where(said < 0, -0.5, 0.5).to(said) @ self.sides
        return votes + sums / (THIRD * (sums.abs() + 1))


class Neighbours(Part):
    """The votes of the nearest rows: `rows` [S, features], `votes` [S, K], `nearest` []."""

    rows: Tensor
    votes: Tensor

    def __init__(self, **tensors: Tensor) -> None:
        super().__init__(**tensors)
        self.count = int(tensors["nearest"])

    def forward(self, x: Tensor) -> Tensor:
        """[batch, features] to the logarithms of shares [batch, K]."""
        near = _squares(x, self.rows).topk(self.count, dim=1, largest=False).indices
        return self.votes[near].mean(1).clamp(min=LEAST).log()


class Trees(Part):
    """What the leaves of trees say of a row, summed.

    Its buffers are, of T trees with at most N nodes: `feature`, `left` and `right`, whole numbers
    [T, N], where a leaf leads to itself; `threshold` [T, N], up to which a row goes left; `value`
    [T, N, K]; `depth` [], of the deepest; `bias` [K]; and `shares` [], whether the
    mean is of probabilities.
    """

    feature: Tensor
    left: Tensor
    right: Tensor
    threshold: Tensor
    value: Tensor
    bias: Tensor

    def __init__(self, **tensors: Tensor) -> None:
        super().__init__(**tensors)
        self.steps, self.of_shares = int(tensors["depth"]), bool(tensors["shares"])

    def forward(self, x: Tensor) -> Tensor:
        """[batch, features] to [batch, K]."""
        trees, nodes = self.feature.shape
        first = nodes * torch.arange(trees, device=x.device)
        at = first.expand(x.shape[0], trees)
        for _ in range(self.steps):
            below = x.gather(1, self.feature.flatten()[at]) <= self.threshold.flatten()[at]
            way = torch.where(below, self.left.flatten()[at], self.right.flatten()[at])
            at = first + way
        total = self.value.flatten(0, 1)[at].sum(1) + self.bias
        return (total / trees).clamp(min=LEAST).log() if self.of_shares else total


def _squares(x: Tensor, rows: Tensor) -> Tensor:
    """The squared distances [batch, S] of observations from rows."""
    middle = rows.mean(0)
    x, rows = x - middle, rows - middle
    whole = x.square().sum(1, keepdim=True) - 2 * x @ rows.T + rows.square().sum(1)
    return whole.clamp(min=0)


PARTS: dict[str, type[Part]] = {
    "matrix": Matrix,
    "machine": Machine,
    "neighbours": Neighbours,
    "trees": Trees,
}

TITLES = {
    "matrix": "a linear classifier",
    "machine": "a support vector machine",
    "neighbours": "a vote of nearest neighbours",
    "trees": "a set of trees",
}
"""What people call these."""


class Fixed(nn.Module):
    """A classifier that is put in when it is known; before that all classes are as probable.

    Which part it has follows from the names of its tensors, so it can be loaded as any module.

    Args:
        classes: K of the label space.
        grid: The arrangement of observations, for random kernels.
    """

    def __init__(self, classes: int, grid: Grid | None) -> None:
        super().__init__()
        self.classes, self.grid = classes, grid
        self.part: str = ""
        self.register_load_state_dict_pre_hook(_made)  # type: ignore[no-untyped-call]

    def put(self, part: str, tensors: Mapping[str, Tensor], finish: Mapping[str, Tensor]) -> None:
        """Take over a classifier.

        Args:
            part: A key of `PARTS`.
            tensors: Its buffers.
            finish: `scale` [], the factor on its raw numbers, and `place` [classes], where each
                class of the label space is among its own; K of its own for one that it lacks.
        """
        self.part = part
        self.add_module(part, PARTS[part](**tensors))
        self.add_module("finish", Part(**finish))

    def encode(self, kernels: Kernels) -> None:
        """Give the classifier what random kernels say of windows instead of the windows."""
        self.add_module("kernels", kernels)

    @property
    def title(self) -> str:
        """What people call its part."""
        return TITLES.get(self.part, "the same for all classes")

    @property
    def kept(self) -> int:
        """How many training rows it holds."""
        rows: Tensor | None = getattr(self._modules.get(self.part), "rows", None)
        return 0 if rows is None else len(rows)

    def forward(self, x: Tensor) -> Tensor:
        """Observations [..., features] to raw numbers [..., classes]."""
        if not self.part:
            return x.new_zeros(*x.shape[:-1], self.classes)
        rows = x.reshape(-1, x.shape[-1])
        kernels: Any = self._modules.get("kernels")
        finish: Any = self.get_submodule("finish")
        own = self.get_submodule(self.part)(rows if kernels is None else kernels(rows))
        said = (own * finish.scale).softmax(-1)
        none = torch.zeros_like(said[:, :1])
        raw = torch.cat([said, none], 1).clamp(min=FEWEST).log().index_select(1, finish.place)
        return raw.reshape(*x.shape[:-1], self.classes)


def _made(module: nn.Module, state: Mapping[str, Tensor], prefix: str, *_: Any) -> None:  # noqa: ANN401
    """Make the part whose tensors are about to be loaded."""
    assert isinstance(module, Fixed)
    own = [key.removeprefix(prefix).split(".", 1) for key in state if key.startswith(prefix)]
    tensors: dict[str, dict[str, Tensor]] = {}
    for part, name in own:
        tensors.setdefault(part, {})[name] = state[f"{prefix}{part}.{name}"]
    for part in PARTS.keys() & tensors.keys():
        module.put(part, tensors[part], tensors["finish"])
    if "kernels" in tensors and module.grid is not None:
        count = sum(len(v) for name, v in tensors["kernels"].items() if name.startswith("bias"))
        module.encode(Kernels(module.grid, count))
