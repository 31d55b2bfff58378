"""Labels that are one of K classes: as callers give them, and as a classifier predicts them."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ssdgm_runtime import arguments, errors

Floats = NDArray[np.float32]


Labels = str | int | Sequence[str] | Sequence[int] | ArrayLike


def entries(y: Labels, labels: Sequence[str], name: str = "y") -> Floats:
    """Read labels in any of their forms.

    Args:
        y: An index or a name, a sequence of them, or [n, K] with a weight for each label.
        labels: The K names.
        name: What a message calls y.

    Returns:
        float32 [n, K], one-hot where indices or names were given.

    Raises:
        InputError: A name or index is unknown, or the shape is another.
    """
    plain: Any = y.tolist() if isinstance(y, np.ndarray) and y.ndim < 2 else y
    plain = [plain] if _is_label(plain) else plain
    if isinstance(plain, (list, tuple)) and all(_is_label(v) for v in plain):
        one_hot: Floats = np.zeros((len(plain), len(labels)), np.float32)
        for row, entry in enumerate(plain):
            one_hot[row, _index(entry, labels, name)] = 1
        return one_hot
    from ssdgm_runtime.rows import checks

    want = f"an index, a name, a sequence of them, or numbers [n, {len(labels)}]"
    matrix = checks.read(plain, name, want)
    if matrix.dtype.kind not in "iuf" or matrix.ndim != 2 or matrix.shape[1] != len(labels):
        got = (
            "of mixed or ragged entries" if matrix.dtype.kind == "O" else checks.described(matrix)
        )
        hint = f"{name}[None]" if matrix.shape == (len(labels),) else ""
        raise errors.InputError(name, got, want, hint)
    with np.errstate(over="ignore"):
        weights: Floats = matrix.astype(np.float32)
    checks.finite(weights, name)
    return weights


def labels_of(y: Labels, labels: Sequence[str], n: int) -> Floats:
    """Read labels for `n` rows, one for all or one for each; returns and raises as `entries`."""
    weights = entries(y, labels)
    if len(weights) == n:
        return weights
    if len(weights) == 1 and isinstance(y, (str, int, np.integer)):
        return np.repeat(weights, n, axis=0)
    raise errors.InputError("y", f"{len(weights)} labels", f"one for each of the {n} rows of x")


def _is_label(value: object) -> bool:
    return isinstance(value, (str, int, np.integer, np.str_)) and not isinstance(value, bool)


def _index(value: Any, labels: Sequence[str], name: str) -> int:  # noqa: ANN401  (str or any integer)
    if isinstance(value, str):
        if value in labels:
            return labels.index(value)
    elif 0 <= value < len(labels):
        return int(value)
    raise errors.InputError(
        name,
        arguments.shown(value),
        f"an index from 0 to {len(labels) - 1} or a name among {_listed(labels)}",
    )


def _listed(labels: Sequence[str], most: int = 12) -> str:
    shown = ", ".join(repr(v) for v in labels[:most])
    return f"{shown}, ... ({len(labels)})" if len(labels) > most else shown


@dataclass(frozen=True, eq=False)
class Classification:
    """q(y | x) for each row.

    Attributes:
        logits: float32 [n, K].
        probs: float32 [n, K]; each row sums to one.
        label_names: The K labels' names.
    """

    logits: Floats
    probs: Floats
    label_names: tuple[str, ...]

    @cached_property
    def labels(self) -> NDArray[np.int64]:
        """The most probable label's index, int64 [n]."""
        best: NDArray[np.int64] = self.logits.argmax(axis=1).astype(np.int64)
        return best

    @property
    def names(self) -> list[str]:
        """The most probable label's name."""
        return [self.label_names[i] for i in self.labels.tolist()]

    def top(self, k: int = 1) -> list[list[tuple[str, float]]]:
        """The `k` most probable labels of each row as (name, probability), best first."""
        order = np.argsort(-self.logits, axis=1, kind="stable")[:, : max(k, 0)]
        chosen = np.take_along_axis(self.probs, order, axis=1)
        return [
            [(self.label_names[i], p) for i, p in zip(row, ps, strict=True)]
            for row, ps in zip(order.tolist(), chosen.tolist(), strict=True)
        ]

    def __len__(self) -> int:
        return len(self.logits)
