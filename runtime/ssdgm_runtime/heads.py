"""The head of a table: the names of its columns, each once."""

from collections import Counter
from collections.abc import Sequence

from ssdgm_runtime import columns, errors


def check(names: Sequence[str], place: str) -> None:
    """Refuse a head without names, or with one twice.

    Raises:
        DataError: It is such a head.
    """
    if not any(names):
        raise errors.DataError(f"{place} is empty", "the names of the columns")
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice == [""]:
        raise errors.DataError(
            f"{place} has {list(names).count('')} columns without a name",
            "a name for each",
            "Name them, or remove those that only number the rows.",
        )
    if twice:
        raise errors.DataError(
            f"{place} has two columns {twice[0]!r}", "each name once", "Rename one."
        )


def index(head: list[str], name: str, place: str) -> int:
    """Where a column stands in a line.

    Raises:
        DataError: It is not there.
    """
    if name not in head:
        raise errors.DataError(
            f"{place} has no column {name!r}; it has {columns.some(head)}",
            "every column that the model was trained on",
            "Add it; leave its cells empty where nothing is known.",
        )
    return head.index(name)
