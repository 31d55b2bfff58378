"""Equal rows: with other labels, in both parts, or merely twice."""

from collections.abc import Iterator, Sequence

from ssdgm_train.inspection import repeats
from ssdgm_train.inspection.rules import columns
from ssdgm_train.inspection.seen import NOTE, WARNING, Finding, Seen, counted, quoted, some


def conflicts(seen: Seen) -> Iterator[Finding]:
    """Equal labelled rows that have different labels."""
    found = seen.repeats
    if found.conflicting:
        yield Finding(
            WARNING,
            "conflicting labels",
            f"{counted(found.conflicting, 'labelled training row')} equal one with another label: "
            f"{_pairs(found.conflicts)}",
            f"{_because(seen)}Look at these rows and correct their labels, or leave them "
            "unlabelled.",
            rows=_rows(found.conflicts),
            classes=_labels(found.conflicts),
        )


def contradictions(seen: Seen) -> Iterator[Finding]:
    """Test rows that equal a labelled training row of another class."""
    found = seen.repeats
    if found.contradicted:
        yield Finding(
            WARNING,
            "conflicting test labels",
            f"{counted(found.contradicted, 'test row')} equal a training row with another label: "
            f"{_pairs(found.contradictions)}",
            f"{_because(seen)}No classifier can be right on both: look at these rows and correct "
            "their labels.",
            rows=_rows(found.contradictions),
            classes=_labels(found.contradictions),
        )


def leaks(seen: Seen) -> Iterator[Finding]:
    """Test rows that training has too."""
    found = seen.repeats
    if found.shared:
        share = found.shared / len(seen.data.y_test) if seen.data.y_test is not None else 0
        yield Finding(
            WARNING,
            "test rows in training",
            f"{counted(found.shared, 'test row')} ({share:.1%}) equal a training row: "
            f"{_pairs(found.leaks)}",
            f"{_because(seen)}If they are copies and no coincidence, remove them from training, "
            "or the test error is too low.",
            rows=_rows(found.leaks),
        )


def again(seen: Seen) -> Iterator[Finding]:
    """Rows that come more than once."""
    found = seen.repeats
    parts = [
        counted(count, f"{name} row")
        for name, count in (("training", found.training), ("test", found.test))
        if count
    ]
    if parts:
        shown = f": {_pairs(found.repeats)}" if found.repeats else ""
        yield Finding(
            NOTE,
            "repeated rows",
            f"{' and '.join(parts)} equal one before them{shown}",
            f"{_because(seen)}If they are copies, remove them: each counts once more, and a copy "
            "of a training row among the validation rows makes their error too low.",
            rows=_rows(found.repeats),
        )


def _because(seen: Seen) -> str:
    """What else may have made rows equal."""
    names = columns.rounded(seen)
    if not names:
        return ""
    return f"They may have differed in {some(quoted(names))}, which lost digits. "


def _pairs(pairs: Sequence[repeats.Pair]) -> str:
    """Pairs of rows, as a sentence has them."""
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
