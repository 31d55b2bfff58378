"""Series of unequal length: windows [channels, time] whose ends are NaN where they are shorter.

A graph takes every series at the length of the longest that it can take, and sees by the NaN where
one ends; so padding, by whom and however far, changes no answer.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ssdgm_runtime import errors, jsonfile
from ssdgm_runtime.rows import checks
from ssdgm_runtime.rows.tensor import Tensor

Array = NDArray[Any]
Floats = NDArray[np.float32]


class Lengths(NamedTuple):
    """What lengths series have.

    Attributes:
        channels: How many channels each has.
        shortest: The least number of moments of those that were trained on.
        longest: The most that a graph takes.
    """

    channels: int
    shortest: int
    longest: int

    @property
    def tensor(self) -> Tensor:
        """The tensor in which graphs take and give them."""
        return Tensor("x", "float32", ("batch", self.channels, self.longest))


def parse(value: object, shape: Sequence[int]) -> tuple[Lengths, ...]:
    """The field `lengths` of a manifest, [shortest, longest]; none where all have one length.

    Args:
        value: The field.
        shape: That of a row, as `input.shape` says it.

    Raises:
        FormatError: It is no such pair, or the longest is not the time of a row.
    """
    if value is None:
        return ()
    pair = jsonfile.typed(value, list, "lengths")
    if len(pair) != 2 or len(shape) != 2:
        raise errors.FormatError(
            f"The manifest has lengths {str(pair)[:80]} and rows {list(shape)}",
            "the shortest and the longest, and rows [channels, time]",
            jsonfile.MEND,
        )
    longest = jsonfile.whole(pair[1], "lengths", shape[1], shape[1])
    return (Lengths(shape[0], jsonfile.whole(pair[0], "lengths", 1, longest), longest),)


def ends(x: Array) -> NDArray[np.int64]:
    """The length of each series of [n, channels, time], [n]; -1 where NaN is elsewhere too."""
    there = ~np.isnan(x)
    counts = there.all(1).sum(1)
    same = (there == there[:, :1]).all((1, 2))
    tail = (there[:, 0] == (np.arange(x.shape[2]) < counts[:, None])).all(1)
    lengths: NDArray[np.int64] = np.where(same & tail & (counts > 0), counts, -1)
    return lengths


def stacked(series: Sequence[Array], longest: int = 0) -> Floats:
    """Series [channels, time] each of its own length as one array, NaN after the end of each.

    Args:
        series: The series, all of as many channels.
        longest: The length of the array; 0 for that of the longest.
    """
    channels, time = series[0].shape[0], longest or max(one.shape[1] for one in series)
    x = np.full((len(series), channels, time), np.nan, np.float32)
    for row, one in zip(x, series, strict=True):
        row[:, : one.shape[1]] = one
    return x


def given(x: Any, known: Lengths) -> Floats:  # noqa: ANN401  (whatever a caller has)
    """Series as a caller has them, float32 [n, channels, longest], NaN after the end of each.

    Args:
        x: [n, channels, time] of any time up to the longest, NaN after a series' end; or a list of
            series [channels, time].
        known: What lengths there are.

    Raises:
        InputError: It is none of these, a series is longer, or has NaN before its end.
    """
    if isinstance(x, list | tuple) and not x:
        return np.empty((0, *known.tensor.row), np.float32)
    if isinstance(x, list | tuple) and all(np.ndim(one) == 2 for one in x):
        array = _listed([np.asarray(one) for one in x], known)
    else:
        array = checks.read(x, "x", _want(known))
    if array.ndim == 3 and array.shape[1] == known.channels:
        _check_time(array.shape[2], known, "x", f"x[:, :, :{known.longest}]")
    if array.ndim == 3 and array.shape[1] == known.channels and array.shape[2] < known.longest:
        pad = ((0, 0), (0, 0), (0, known.longest - array.shape[2]))
        array = np.pad(array.astype(np.float32, copy=False), pad, constant_values=np.nan)
    rows: Floats = checks.rows(array, known.tensor, gaps=True)
    if np.isnan(rows).any() and len(odd := np.flatnonzero(ends(rows) < 0)):
        empty = np.isnan(rows[odd[0]]).all()
        raise errors.InputError(
            f"x[{odd[0]}]",
            "a series without any number" if empty else "a series with NaN before its end",
            "numbers, and NaN in all channels after the last moment",
            f"Leave it out: np.delete(x, {odd[0]}, axis=0)." if empty else "",
        )
    return rows


def _listed(series: list[Array], known: Lengths) -> Array:
    for i, one in enumerate(series):
        if one.shape[0] != known.channels:
            got = f"a series of {one.shape[0]} channels, {list(one.shape)}"
            hint = f"x[{i}].T" if one.shape[1] == known.channels else ""
            raise errors.InputError(f"x[{i}]", got, f"[{known.channels}, time]", hint)
        _check_time(one.shape[1], known, f"x[{i}]", f"x[{i}][:, :{known.longest}]")
    return stacked(series, known.longest)


def _check_time(time: int, known: Lengths, name: str, cut: str) -> None:
    """Refuse series that are empty, or longer than a graph takes."""
    if not 0 < time <= known.longest:
        got = f"{time} moments long" if time else "without any moment"
        hint = f"Cut it: {cut}." if time else "Leave it out."
        raise errors.InputError(name, got, f"1 to {known.longest} moments", hint)


def _want(known: Lengths) -> str:
    return f"float32 [n, {known.channels}, time], time at most {known.longest}"
