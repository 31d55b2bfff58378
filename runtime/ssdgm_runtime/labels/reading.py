"""Labels as callers write them, read into the numbers that graphs take."""

from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ssdgm_runtime import arguments, errors

if TYPE_CHECKING:
    from ssdgm_runtime.labels.space import Floats, Labels

_LONG = 19  # digits


def read(
    y: "Labels",
    names: Sequence[str],
    n: int | None = None,
    name: str = "y",
    *,
    sets: bool = False,
) -> "Floats":
    """Read labels in any of their forms.

    Args:
        y: An index or a name, a sequence of them, or [m, K] with a weight for each name.
        names: The K names.
        n: How many rows they are for: one index or name then serves all.
        name: What a message calls y.
        sets: Whether a set of indices and names may stand wherever one may.

    Returns:
        float32 [m, K] with ones for the indices and names that were given.

    Raises:
        InputError: A name or index is unknown, the shape is another, or there is not one label for
            each row.
    """
    plain: Any = y.tolist() if isinstance(y, np.ndarray) and y.ndim < 2 else y
    single = _is_label(plain, sets)
    plain = [plain] if single else plain
    if isinstance(plain, (list, tuple)) and all(_is_label(v, sets) for v in plain):
        labels = _marked(plain, names, name)
    else:
        labels = _matrix(plain, len(names), name, sets)
    if n is None or len(labels) == n:
        return labels
    if single:
        return np.repeat(labels, n, axis=0)
    raise errors.InputError(name, f"{len(labels)} labels", f"one for each of the {n} rows of x")


def word(value: str | int, names: Sequence[str]) -> str | int:
    """A word of a command line: a name, else an index."""
    unknown = isinstance(value, str) and value not in names
    digits = unknown and str(value).isascii() and str(value).isdigit() and len(str(value)) < _LONG
    return int(value) if digits else value


def _is_label(value: object, sets: bool) -> bool:
    if sets and isinstance(value, (set, frozenset)):
        return all(_is_label(entry, False) for entry in value)
    return isinstance(value, (str, int, np.integer, np.str_)) and not isinstance(value, bool)


def _marked(entries: Sequence[Any], names: Sequence[str], name: str) -> "Floats":
    marked: Floats = np.zeros((len(entries), len(names)), np.float32)
    for row, entry in enumerate(entries):
        for one in entry if isinstance(entry, (set, frozenset)) else (entry,):
            marked[row, _index(one, names, name)] = 1
    return marked


def _matrix(y: object, k: int, name: str, sets: bool) -> "Floats":
    from ssdgm_runtime.rows import checks

    several = "an index, a name, a set of them" if sets else "an index, a name"
    want = f"{several}, a sequence of {'these' if sets else 'them'}, or numbers [n, {k}]"
    matrix = checks.read(y, name, want)
    if matrix.dtype.kind not in "iuf" or matrix.ndim != 2 or matrix.shape[1] != k:
        mixed = matrix.dtype.kind == "O"
        got = "of mixed or ragged entries" if mixed else checks.described(matrix)
        raise errors.InputError(name, got, want, f"{name}[None]" if matrix.shape == (k,) else "")
    with np.errstate(over="ignore"):
        weights: Floats = matrix.astype(np.float32)
    checks.finite(weights, name)
    return weights


def _index(value: Any, names: Sequence[str], name: str) -> int:  # noqa: ANN401  (str or any integer)
    if isinstance(value, str):
        if value in names:
            return names.index(value)
    elif 0 <= value < len(names):
        return int(value)
    raise errors.InputError(
        name,
        arguments.shown(value),
        f"an index from 0 to {len(names) - 1} or a name among {_listed(names)}",
    )


def _listed(names: Sequence[str], most: int = 12) -> str:
    shown = ", ".join(repr(v) for v in names[:most])
    return f"{shown}, ... ({len(names)})" if len(names) > most else shown


@lru_cache
def own(values: tuple[int | str, ...]) -> NDArray[Any]:
    """The labels' own values, [K], read-only: of one type, or objects."""
    kinds = {type(c) for c in values}
    array = np.array(values, dtype=object if len(kinds) > 1 else None)
    array.flags.writeable = False
    return array
