"""What to say where a step does not fit into memory: which batch would."""

from collections.abc import Callable

import torch

from ssdgm_runtime import errors
from ssdgm_train import method

_WORDS = ("out of memory", "can't allocate memory", "not enough memory")
"""What torch says on devices and systems that have no exception of their own for it."""


def exceeded(error: BaseException) -> bool:
    """Whether an exception says that memory ran out."""
    if isinstance(error, errors.SsdgmError):
        return False
    named = isinstance(error, MemoryError | torch.OutOfMemoryError)
    return named or (isinstance(error, RuntimeError) and any(w in str(error) for w in _WORDS))


def explained(
    step: int, batch: method.Batch, attempt: Callable[[method.Batch], object]
) -> errors.OutOfMemory:
    """The error for a step that does not fit, with the largest of its halves that does.

    Args:
        step: The step's number.
        batch: Its rows.
        attempt: Does what took the memory, with other rows; changes nothing.
    """
    labelled, unlabelled = len(batch.x), len(batch.u)
    size = _largest(batch, attempt)
    needs = (
        f"Step {step} needs more memory than there is, with {labelled} labelled and {unlabelled} "
        "unlabelled rows"
    )
    kept = "free some memory and go on with --resume: the last checkpoint is kept"
    if size is None:
        return errors.OutOfMemory(needs, mend=f"Make the model smaller, or {kept}.")
    fits = " and ".join(
        f"train.{name}_batch={rows}"
        for name, rows in zip(("labelled", "unlabelled"), size, strict=True)
        if rows
    )
    return errors.OutOfMemory(needs, mend=f"Begin again with {fits}, which fits; or {kept}.")


def _largest(
    batch: method.Batch, attempt: Callable[[method.Batch], object]
) -> tuple[int, int] | None:
    """The rows of the first half, quarter and so on that fits, labelled and not; or None."""
    rows = len(batch.x), len(batch.u)
    while max(rows) > 1:
        rows = tuple(-(-count // 2) for count in rows)  # type: ignore[assignment]
        if batch.x.device.type == "cuda":
            torch.cuda.empty_cache()
        try:
            attempt(_part(batch, *rows))
        except Exception as error:  # a network may refuse a batch that is too small for it
            if not exceeded(error):
                return None
            continue
        return rows
    return None


def _part(batch: method.Batch, labelled: int, unlabelled: int) -> method.Batch:
    taught = None if batch.taught is None else batch.taught[:unlabelled]
    return method.Batch(batch.x[:labelled], batch.y[:labelled], batch.u[:unlabelled], taught)
