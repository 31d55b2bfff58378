"""Rows as a caller has them, on their way into a graph: what is ready passes at once.

All but the usual case, an array of the declared dtype and shape, is left to `checks` and `named`,
which are imported when the first such rows come.
"""

import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ssdgm_runtime.rows.tensor import Tensor

if TYPE_CHECKING:
    from ssdgm_runtime.rows import columns as table
    from ssdgm_runtime.rows.views.layout import Layout

Array = NDArray[Any]
PathLike = str | os.PathLike[str]
Read = Callable[[PathLike], Array]


class Intake:
    """Takes the rows of one graph.

    Args:
        tensor: What rows are declared as.
        high: The largest value of the data, for the hint to whoever has it scaled to [0, 1].
        layout: The columns of a table, or the views; none where a row is one tensor.
        features: The names of the values of other rows, where they have names.
        read: Reads the rows at a path; None, where paths are no rows.
        span: The least and the most that a value can be, where the training's had such limits.
    """

    def __init__(
        self,
        tensor: Tensor,
        high: float | None = None,
        layout: "Layout" = (),
        features: "table.Columns" = (),
        read: Read | None = None,
        span: tuple[float, float] | None = None,
    ) -> None:
        self.tensor, self._read = tensor, read
        self._high, self._layout, self._features = high, layout, features
        self._dtype, self._row = np.dtype(tensor.dtype), tensor.row
        self._whole = self._dtype.kind != "f"
        self._span = None if span == (0, 255) and tensor.dtype == "uint8" else span

    def take(self, x: ArrayLike) -> Array:
        """Rows as a contiguous array [n, *shape] of the declared dtype.

        Args:
            x: An array of that dtype and shape, or what `layout.given`, for rows of several
                tensors, or `named.placed` and `checks.rows` make one of; or a path of such rows.

        Raises:
            InputError: It is none of these, or a number is not finite.
            DataError: The file cannot be read, or holds other rows.
        """
        if (
            type(x) is np.ndarray
            and x.dtype == self._dtype
            and x.ndim
            and x.shape[1:] == self._row
            and x.flags.c_contiguous
            and not self._layout
            and (self._whole or 0 not in np.isfinite(x).tobytes())
        ):
            if self._span is None or len(x) == 1:
                return x
            from ssdgm_runtime.rows.drift import limits

            return limits.looked(x, self._span)
        from ssdgm_runtime.rows import checks, named
        from ssdgm_runtime.rows.views import layout as laid

        x = self.opened(x)
        if self._layout:
            return laid.given(x, self._layout, self.tensor)
        rows = named.placed(x, self._features, self.tensor)
        return checks.rows(rows, self.tensor, self._high, span=self._span)

    def opened(self, x: Any) -> Any:  # noqa: ANN401  (whatever a caller has)
        """The rows at a path, where x is one; else x."""
        return self._read(x) if self._read and isinstance(x, str | os.PathLike) else x

    def single(self, row: ArrayLike) -> Array:
        """One row, [1, *shape]; raises as `take`."""
        from ssdgm_runtime.rows.views import single

        return single.taken(row, self.take, self.tensor)
