"""The warning about rows that are unlike the training's, once a call and at the caller's line."""

import contextvars
import functools
import sys
import warnings
from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from ssdgm_runtime.rows import columns as table
from ssdgm_runtime.rows.drift import DriftWarning, differences

FAR = 1.0
"""A warning is about numbers that are so much of the training's span outside of it: a few rows are
always a little beyond it, which commands tell and which is no reason for a warning."""

_OWN = ("ssdgm_runtime", "ssdgm_export")
T = TypeVar("T")
_SAID: contextvars.ContextVar[list[str] | None] = contextvars.ContextVar("said", default=None)
"""The warnings of a stream of calls so far, of which there is one at most."""


def once(*calls: Callable[..., Any]) -> tuple[Callable[..., Any], ...]:
    """The same functions, whose calls warn once together; several threads may call them."""
    said: list[str] = []
    return tuple(functools.partial(_within, said, call) for call in calls)


def silent(call: Callable[..., T], *args: object) -> T:
    """Call a function without any of these warnings."""
    return _within([""], call, *args)


def _within(said: list[str], call: Callable[..., T], *args: object) -> T:
    context = contextvars.copy_context()
    context.run(_SAID.set, said)
    return context.run(call, *args)


def of_table(rows: NDArray[np.float32], known: table.Columns, raw: differences.Raw) -> None:
    """Warn of unknown categories and of numbers far beyond the training's.

    Args:
        rows: [n, columns].
        known: The columns.
        raw: The values of categorical columns as they came; numbers alone are looked at without.
    """
    count = table.numbers(known)
    spans = np.array([column.range or (-np.inf, np.inf) for column in known[:count]])
    low, high = spans.reshape(-1, 2).T
    edge = FAR * (high - low)
    numbers, codes = rows[:, :count], rows[:, count:]
    strange = (numbers < low - edge).any() or (numbers > high + edge).any()
    if not (strange or (raw and (codes == table.UNKNOWN).any())):
        return
    if unlike := differences.drift(rows, known, raw, FAR):
        warn(differences.sentence(unlike))


def warn(text: str) -> None:
    """Warn at the line that called this package."""
    said = _SAID.get()
    if said:
        return
    if said is not None:
        said.append(text)
    frame, level = sys._getframe(1), 2
    while frame.f_back and frame.f_globals.get("__name__", "").startswith(_OWN):
        frame, level = frame.f_back, level + 1
    warnings.warn(text, DriftWarning, stacklevel=level)
