"""What an engine's exceptions are in words of ours: which graph, which inputs, and what to do.

Engines raise exceptions without a base class of their own, with messages of many lines; only what
a message says tells one kind from another. Graphs that answer otherwise than they should are here
too: all of it is loaded when something fails.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ssdgm_runtime import errors
from ssdgm_runtime.rows import proper

_LONG = 200
_MEMORY = ("bad_alloc", "Available memory", "Failed to allocate", "out of memory", "MemoryError")
_STOPPED = "terminate flag"


def of_run(
    graph: str, error: Exception, feeds: Mapping[str, NDArray[Any]], deadline_ms: float | None
) -> errors.SsdgmError:
    """The error for a graph that failed while it ran.

    Args:
        graph: Its name.
        error: The engine's exception.
        feeds: What it was given.
        deadline_ms: How long it was given, in milliseconds.
    """
    text, whole = said(error), str(error)
    given = ", ".join(f"{name[:80]} {x.dtype} {list(x.shape)}" for name, x in feeds.items())
    if _STOPPED in whole or isinstance(error, TimeoutError):
        return late(graph, f"on {given}", deadline_ms)
    if isinstance(error, MemoryError) or any(word in whole for word in _MEMORY):
        return errors.OutOfMemory(
            f"{graph} ran out of memory on {given} ({text})",
            mend="Compute fewer rows at once (batch_size, Options.max_batch), or allow it more.",
        )
    return errors.EngineError(
        f"{graph} failed on {given} ({text})",
        mend="Run verify on the bundle; if that passes, these inputs are beyond what it can take.",
    )


def late(graph: str, what: str, deadline_ms: float | None) -> errors.DeadlineExceeded:
    """The error for a graph that took longer than it was given."""
    limit = "it may" if deadline_ms is None else f"{deadline_ms:g} ms"
    return errors.DeadlineExceeded(
        f"{graph} took longer than {limit} {what}",
        mend="Compute fewer rows at once, or raise Options.deadline_ms.",
    )


def said(error: Exception) -> str:
    """The first line of what an exception says, shortened; without what engines say before it."""
    line = next(iter(str(error).strip().splitlines()), type(error).__name__)
    line = line.rpartition("Status Message: ")[2] or line
    return line if len(line) <= _LONG else f"{line[:_LONG]}..."


def unlike(
    graph: str,
    output: str,
    array: NDArray[Any],
    dtype: "np.dtype[Any]",
    shape: tuple[int, ...],
) -> errors.FormatError:
    """The error for an output that is of another dtype or shape than the manifest says."""
    return errors.FormatError(
        f"{graph} answers {shape[0]} rows with {output} {array.dtype} {list(array.shape)}",
        f"{dtype} {list(shape)}, as the manifest says",
        "Convert the run again.",
    )


_WANTED = {
    proper.SHARES: "probabilities, none below 0, that sum to one in every row",
    proper.TRUTHS: "probabilities from 0 to 1",
    proper.SCALE: "standard deviations above 0",
}


def improper(
    name: str, kind: str | proper.Look, array: NDArray[Any], feeds: Iterable[str], start: int = 0
) -> errors.SsdgmError:
    """The error for an output that is not proper.

    Args:
        name: The output's.
        kind: What it should be.
        array: What it is, [n, ...].
        feeds: The names of the graph's inputs.
        start: The number of the first row.

    Returns:
        InputError where it is not finite, which inputs can lead to; else FormatError, as no
        inputs should.
    """
    flat = array.reshape(len(array), -1)
    bad = ~np.isfinite(flat).all(axis=1)
    if bad.any():
        return errors.InputError(
            f"The output {name}",
            f"not finite in {int(bad.sum())} rows (first: row {start + int(bad.argmax())})",
            "",
            f"Check that row of {' and '.join(feeds)} for values far beyond the training data's"
            " (generating: a smaller temperature); if they are usual, run verify on the bundle.",
        )
    if callable(kind):
        bad = np.array([not kind(array[i : i + 1]) for i in range(len(array))])
        return errors.FormatError(
            f"The output {name[:80]} is not what it stands for in row {start + int(bad.argmax())}",
            f"{kind.__name__} at every place",
            "Run verify on the bundle, and convert the run again.",
        )
    look = dict(
        zip(
            (proper.SHARES, proper.TRUTHS, proper.SCALE),
            (proper.shares, proper.truths, proper.scale),
            strict=True,
        )
    )[kind]
    row = next((i for i in range(len(flat)) if not look(flat[i : i + 1])), 0)
    shown = ", ".join(f"{number:.4g}" for number in flat[row, :4].tolist())
    more = ", ..." if flat.shape[1] > 4 else ""
    return errors.FormatError(
        f"The output {name[:80]} is {shown}{more} in row {start + row}",
        _WANTED[kind],
        "Run verify on the bundle, and convert the run again.",
    )
