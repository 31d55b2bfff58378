"""One row as a caller has it, of those that come one by one."""

from collections.abc import Callable, Mapping
from typing import Any

from numpy.typing import NDArray

from ssdgm_runtime import errors
from ssdgm_runtime.rows import checks
from ssdgm_runtime.rows.tensor import Tensor

Array = NDArray[Any]
Take = Callable[[Any], Array]


def taken(row: Any, take: Take, tensor: Tensor) -> Array:  # noqa: ANN401  (whatever a caller has)
    """One row, [1, *shape].

    Args:
        row: [*shape], or its values or views by name.
        take: What takes rows, [n, *shape].
        tensor: What rows are declared as.

    Raises:
        InputError: It is none, or several rows.
    """
    try:
        return take(_alone(row, tensor))
    except errors.InputError as error:
        several = _count(row, take)
        if several is None:
            raise
        hint = "row[0]" if several == 1 else "Hand them in one by one."
        raise errors.InputError("x", f"{several} rows", "one row", hint) from error


def _alone(row: Any, tensor: Tensor) -> Any:  # noqa: ANN401
    """One row as rows."""
    if isinstance(row, Mapping):
        return {name: [value] for name, value in row.items()}
    if row is None or isinstance(row, str):
        got = "None" if row is None else f"the text {row[:80]!r}"
        raise errors.InputError("x", got, f"one row, {tensor.dtype} {list(tensor.row)}")
    return checks.read(row, "the row", "a row of numbers")[None]


def _count(row: Any, take: Take) -> int | None:  # noqa: ANN401
    """How many rows they are, if they are rows."""
    try:
        return None if isinstance(row, str) else len(take(row))
    except errors.SsdgmError:
        return None
