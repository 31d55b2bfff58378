"""Whether recipes are compared: where it is asked for, or where nothing says what to train."""

from collections.abc import Iterable

from ssdgm_train.recipes import recipe

AUTO, MINUTES = "auto", 10.0
"""The method for which recipes are compared, and the minutes of its budget."""


def compared(method: str | None, others: Iterable[object], changes: Iterable[str]) -> bool:
    """Whether recipes are compared.

    Args:
        method: The method that is asked for; None where none is.
        others: A recipe and a trained model to start from; None for each that is not given.
        changes: Settings such as `data.label=grade`, one of which may name or mean the method.
    """
    if method is not None:
        return method == AUTO
    return recipe.meant(changes) is None and all(other is None for other in others)
