"""Equal rows: with different labels, in both parts, or merely repeated."""

from collections.abc import Iterator, Sequence

from ssdgm_train.inspection import repeats
from ssdgm_train.inspection.rules import columns
from ssdgm_train.inspection.seen import NOTE, WARNING, Finding, Seen, counted, listed, quoted


def conflicts(seen: Seen) -> Iterator[Finding]:
    """Equal labelled rows that have different labels."""
    repeated = seen.repeats
    if repeated.conflicting:
        one, many = "labelled training row equals", "labelled training rows equal"
        yield Finding(
            WARNING,
            "conflicting labels",
            f"{counted(repeated.conflicting, one, many)} one with another label: "
            f"{_pairs(repeated.conflicts)}",
            f"{_because(seen)}Look at these rows and correct their labels, or leave them "
            "unlabelled.",
            rows=_rows(repeated.conflicts),
            classes=_labels(repeated.conflicts),
        )


def contradictions(seen: Seen) -> Iterator[Finding]:
    """Test rows that equal a labelled training row of another class."""
    repeated = seen.repeats
    if repeated.contradicted:
        yield Finding(
            WARNING,
            "conflicting test labels",
            f"{counted(repeated.contradicted, 'test row equals', 'test rows equal')} a training "
            f"row with another label: {_pairs(repeated.contradictions)}",
            f"{_because(seen)}No classifier can be right on both: look at these rows and correct "
            "their labels.",
            rows=_rows(repeated.contradictions),
            classes=_labels(repeated.contradictions),
        )


def leaks(seen: Seen) -> Iterator[Finding]:
    """Test rows that equal a training row."""
    repeated = seen.repeats
    if repeated.shared:
        share = repeated.shared / len(seen.data.y_test) if seen.data.y_test is not None else 0
        yield Finding(
            WARNING,
            "test rows in training",
            f"{counted(repeated.shared, 'test row')} ({share:.1%}) "
            f"{'equals' if repeated.shared == 1 else 'equal'} a training row: "
            f"{_pairs(repeated.leaks)}",
            f"{_because(seen)}If they are copies and not a coincidence, remove them from "
            "training, otherwise the test error is too low.",
            rows=_rows(repeated.leaks),
        )


def again(seen: Seen) -> Iterator[Finding]:
    """Rows that occur more than once."""
    repeated = seen.repeats
    parts = [
        counted(count, f"{name} row")
        for name, count in (("training", repeated.training), ("test", repeated.test))
        if count
    ]
    if parts:
        equal = "equals" if repeated.training + repeated.test == 1 else "equal"
        shown = f": {_pairs(repeated.repeats)}" if repeated.repeats else ""
        yield Finding(
            NOTE,
            "repeated rows",
            f"{' and '.join(parts)} {equal} an earlier one{shown}",
            f"{_because(seen)}If they are copies, remove them: they count several times, and a "
            "copy of a training row among the validation rows makes the validation error too low.",
            rows=_rows(repeated.repeats),
        )


def _because(seen: Seen) -> str:
    """Mention columns whose rounding may have made rows equal."""
    names = columns.rounded(seen)
    if not names:
        return ""
    return f"They may have differed in {listed(quoted(names))}, which lost digits. "


def _pairs(pairs: Sequence[repeats.Pair]) -> str:
    """Pairs of rows, formatted for a sentence."""
    return "; ".join(f"{_row(left)} = {_row(right)}" for left, right in pairs[:3])


def _row(place: repeats.Place) -> str:
    label = "" if place.label is None else f" ({', '.join(quoted([place.label]))})"
    return f"{place.part} row {place.row}{label}"


def _rows(pairs: Sequence[repeats.Pair]) -> tuple[int, ...]:
    both = (place for pair in pairs for place in pair if place.part == "training")
    return tuple(dict.fromkeys(place.row for place in both))


def _labels(pairs: Sequence[repeats.Pair]) -> tuple[int | str, ...]:
    both = (place.label for pair in pairs for place in pair)
    return tuple(dict.fromkeys(label for label in both if label is not None))
