"""Frames with categories, dates or gaps: the same way as a table on the command line.

Frames of pandas, Polars and their like are read by narwhals. One whose columns are all finite
numbers is an array with names, as scikit-learn has it, and is none of the frames here. Columns by
name and rows as mappings become Arrow tables, whatever they hold.
"""

import contextlib
import dataclasses
import json
import numbers
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ssdgm_runtime import arguments, errors
from ssdgm_runtime.rows import columns, named
from ssdgm_runtime.rows.tensor import Tensor
from ssdgm_train.data.tables import roles
from ssdgm_train.problems import Problem
from ssdgm_train.recipes import recipe, recommended

Array = NDArray[Any]
Plan = recipe.Recipe | recommended.Asked
Frame = Any  # as narwhals has it


@dataclass(frozen=True, eq=False)
class Table:
    """A frame's columns as an Arrow table, with labels in one more column, `label`.

    Weights, if there are any, are in the column `weight`. `backend` is the one that the frame came
    of, as narwhals names it.
    """

    arrow: Any
    label: str
    weight: str = ""
    backend: Any = None
    file: str = "table.parquet"

    def save(self, path: Path) -> None:
        """Write the Parquet file that a run reads."""
        from pyarrow import parquet

        parquet.write_table(self.arrow, path)


def read(x: object, gaps: bool = False) -> Frame | None:
    """A frame that is more than finite numbers, or has `gaps` among them; else None.

    Columns by name, and rows as mappings, are a frame.

    Raises:
        InputError: Its names are no text, or one of them means something else in a table.
        MissingExtra: pyarrow is not installed.
    """
    import narwhals as nw

    named_values = by_name(x)
    gaps = gaps or named_values is not None
    given = x if named_values is None else _arrow(named_values)
    frame = nw.from_native(given, eager_only=True, pass_through=True)
    if not isinstance(frame, nw.DataFrame):
        return None
    if not frame.columns:
        raise errors.InputError("X", "a frame without columns", "one column at least")
    if not gaps and _plain(frame):
        return None
    strange = [n for n in frame.columns if not isinstance(n, str) or not n.strip()]
    if strange or roles.SPLIT in map(str.lower, frame.columns):
        got = f"a column named {strange[0] if strange else roles.SPLIT!r}"
        raise errors.InputError("X", got, "other names in text", "Rename it.")
    return frame


def by_name(x: object) -> dict[str, Any] | None:
    """The columns of a mapping, or of a list of rows that are mappings; None of anything else.

    Raises:
        InputError: It is a path; a row lacks a name that another has; or a mapping holds arrays of
            several axes, as rows of several views do, or columns of several lengths.
    """
    _check_no_path(x)
    if isinstance(x, list) and x and all(isinstance(row, Mapping) for row in x):
        names = dict.fromkeys(name for row in x for name in row)
        for i, row in enumerate(x):
            if lacking := [str(name) for name in names if name not in row]:
                raise errors.InputError(
                    f"X[{i}]",
                    f"a row without {columns.some(lacking)}",
                    "a value for every column",
                    "Give None where it is missing.",
                )
        return {name: [row[name] for row in x] for name in names}
    if not isinstance(x, Mapping) or hasattr(x, "shape"):  # some sparse matrices are mappings
        return None
    if any(not isinstance(name, str) for name in x):
        raise errors.InputError("X", f"columns named {[*x][:3]}", "names in text", "Rename them.")
    if not any(_axes(values) for values in x.values()):
        return {name: [value] for name, value in x.items()}
    if any(_axes(values) != 1 for values in x.values()):
        raise errors.InputError(
            "X",
            "a mapping of arrays",
            "one array, a frame, or columns by name",
            "Train on rows with several views by ssdgm_train.begin, or the command train.",
        )
    lengths = {str(name): len(values) for name, values in x.items()}
    if len({*lengths.values()}) > 1:
        raise errors.InputError("X", f"columns of several lengths ({lengths})", "equal lengths")
    return dict(x)


def _check_no_path(x: object) -> None:
    if isinstance(x, str | os.PathLike):
        raise errors.InputError(
            "X",
            f"the path {arguments.shown(x)}",
            "an array or a frame",
            "Read it first, such as by pandas.read_csv(X); the command ssdgm-export train takes "
            "files.",
        )


def _axes(values: Any) -> int:  # noqa: ANN401  (whatever a caller has)
    """How many axes values have; two of rows of several lengths."""
    with contextlib.suppress(ValueError):
        return np.ndim(values)
    return 2


def plain(x: object, names: Sequence[str]) -> object:
    """Rows by name as a table in the order of training; anything else as it is.

    Args:
        x: Rows as a caller has them.
        names: The columns of the training rows, where these had names.

    Raises:
        InputError: There are names and the training rows had none, or a column is not there.
    """
    given = by_name(x)
    if given is None:
        return x
    if not len(names):
        raise errors.InputError("X", "rows by name", "an array, as the training rows were")
    if missing := [name for name in names if name not in given]:
        raise errors.InputError(
            "X", f"a table without {columns.some(missing)}", f"the columns {columns.some(names)}"
        )
    return _arrow({name: given[name] for name in names})


def _arrow(named_values: Mapping[str, Any]) -> Any:  # noqa: ANN401  (a pyarrow.Table)
    """Columns as an Arrow table."""
    pa, made = _pyarrow(), {}
    for name, values in named_values.items():
        try:
            made[name] = pa.array(values, from_pandas=True)
        except (pa.ArrowException, OverflowError, TypeError, ValueError):
            raise errors.InputError(
                f"X[{name!r}]",
                "values of several types",
                "numbers, words, booleans or dates, None where one is missing",
            ) from None
    return pa.table(made)


def _pyarrow() -> Any:  # noqa: ANN401  (the module)
    try:
        import pyarrow as pa
    except ImportError:
        raise errors.MissingExtra(
            "Frames with categories, dates or missing values need pyarrow",
            mend="Install it with: pip install 'ssdgm-export[train,cpu,tables]'",
        ) from None
    return pa


def _plain(frame: Frame) -> bool:
    """Whether all values are finite numbers, which scikit-learn can check."""
    import narwhals as nw

    if not all(kind.is_numeric() or kind == nw.Object for kind in frame.schema.values()):
        return False
    return not any(series.is_null().any() or _odd(series) for series in frame.iter_columns())


def _odd(series: Any) -> bool:  # noqa: ANN401  (narwhals')
    """Whether a column has NaN, or objects that are no numbers."""
    if series.dtype.is_numeric():
        return bool(series.dtype.is_float() and series.is_nan().any())
    return not all(isinstance(value, numbers.Number) for value in series.to_list())


def check_labelled(frame: Frame, y: object, estimator: str) -> Array:
    """The labels of a frame, [n].

    Args:
        frame: The frame.
        y: Its labels as a caller has them.
        estimator: The name of who asks.

    Raises:
        InputError: There is not one for each row.
        ValueError: There are none.
    """
    if y is None:
        raise ValueError(
            f"This {estimator} estimator requires y to be passed, but the target y is None"
        )
    labels = np.asarray(y)
    labels = labels[:, 0] if labels.ndim == 2 and labels.shape[1] == 1 else labels
    if labels.ndim != 1:
        raise errors.InputError("y", f"of shape {list(labels.shape)}", "one label for each row")
    if len(frame) != len(labels):
        got = f"{len(labels)} labels for {len(frame)} rows"
        raise errors.InputError("y", got, "one for each row")
    return labels


def table(frame: Frame, y: Array, weights: Array | None) -> Table:
    """A frame with its labels, and weights [n], if any.

    Args:
        frame: The frame.
        y: Labels [n], as `settings.labels` has them; or numbers [n] or [n, D], NaN for unknown.
        weights: How much rows count.

    Raises:
        MissingExtra: pyarrow is not installed.
    """
    pa = _pyarrow()
    weight = _free("weight", frame.columns)
    several = [str(k) for k in range(y.shape[1])] if y.ndim == 2 else [""]
    labels = [_free(f"{roles.LABEL[0]}{k}", frame.columns) for k in several]
    whole = pa.table({name: frame[name].to_arrow() for name in frame.columns})
    for name, values in zip(labels, y.reshape(len(y), -1).T.tolist(), strict=True):
        whole = whole.append_column(name, pa.array(values))
    label = ",".join(labels)
    if weights is None:
        return Table(whole, label, "", frame.implementation)
    whole = whole.append_column(weight, pa.array(weights))
    return Table(whole, label, weight, frame.implementation)


def _free(name: str, taken: Sequence[str]) -> str:
    """A name that no column has."""
    while name in taken:
        name += "_"
    return name


def stated(plan: Plan, table: Table | None, likelihood: str | None) -> Plan:
    """A plan for a table; its likelihood is the one that fits, unless one is named.

    Args:
        plan: The plan.
        table: The table; None for an array with gaps.
        likelihood: The one that was named.
    """
    own: dict[str, Any] = {"likelihood": likelihood or "auto"}
    own |= {} if table is None else {"label": table.label, "weight": table.weight}
    if isinstance(plan, recommended.Asked):
        changes = tuple(f"data.{key}={json.dumps(value)}" for key, value in own.items())
        return dataclasses.replace(plan, changes=(*plan.changes, *changes))
    return dataclasses.replace(plan, data=dataclasses.replace(plan.data, **own))


def rows(x: object, problem: Problem, *, named_only: bool = True) -> Array:
    """Rows like those of training, float32 [n, columns]: a frame, columns or rows by name.

    Args:
        x: The rows.
        problem: What the model was trained for.
        named_only: Whether an array, in which columns have no names, is refused.

    Raises:
        InputError: They are none, or a column is not there or holds other values.
    """
    _check_no_path(x)
    if named_only and isinstance(x, np.ndarray) and x.dtype.names is None:
        names = columns.some([column.name for column in problem.columns])
        raise errors.InputError("X", "an array without names", f"a frame with {names}")
    tensor = Tensor("X", "float32", ("batch", len(problem.columns)))
    return named.given(x, problem.columns, tensor)
