"""What an engine's exceptions are in words of ours: which graph, which inputs, and what to do.

Engines raise exceptions without a base class of their own, with messages of many lines; only what
a message says tells one kind from another. Loaded when a graph fails.
"""

from collections.abc import Mapping
from typing import Any

from numpy.typing import NDArray

from ssdgm_runtime import errors

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
