"""What a manifest states of the scores of rows: the field `scorer`."""

from typing import NamedTuple

from ssdgm_runtime import errors, jsonfile

Json = jsonfile.Json


class Scores(NamedTuple):
    """What the scores of rows like the training rows are; the field `scorer`.

    Attributes:
        unit: "nats" where a score is minus a lower bound of log p(x); else of the maker's own.
        levels: Shares, in ascending order.
        values: The score that each share of validation rows is at most at.
        threshold: The score above which a row is called an outlier; None where none is stated.
        false_alarms: The share of normal rows that are above it.
    """

    unit: str = ""
    levels: tuple[float, ...] = ()
    values: tuple[float, ...] = ()
    threshold: float | None = None
    false_alarms: float | None = None

    def to_json(self) -> Json:
        """As a manifest has it."""
        stated = {"threshold": self.threshold, "false_alarms": self.false_alarms}
        return {
            "unit": self.unit,
            "levels": list(self.levels),
            "values": list(self.values),
            **{key: value for key, value in stated.items() if value is not None},
        }


def scores(value: object) -> Scores | None:
    """The field `scorer`.

    Raises:
        FormatError: A field has another type or a value that is not allowed.
    """
    if value is None:
        return None
    section = jsonfile.typed(value, dict, "scorer")
    levels, values = (
        tuple(
            jsonfile.number(v, f"scorer.{key}") for v in jsonfile.optional(section, key, list, [])
        )
        for key in ("levels", "values")
    )
    shares = [*levels, *([section["false_alarms"]] if section.get("false_alarms") else [])]
    if len(levels) != len(values) or any(list(side) != sorted(side) for side in (levels, values)):
        raise errors.FormatError(
            f"The scorer of the manifest has {len(levels)} levels and {len(values)} values",
            "as many of each, in ascending order",
            jsonfile.MEND,
        )
    if not all(0 <= jsonfile.number(share, "scorer.levels") <= 1 for share in shares):
        raise errors.FormatError(
            "The scorer of the manifest has levels beyond 0 to 1", mend=jsonfile.MEND
        )
    stated = {
        key: jsonfile.number(section[key], f"scorer.{key}")
        for key in ("threshold", "false_alarms")
        if section.get(key) is not None
    }
    return Scores(jsonfile.optional(section, "unit", str, ""), levels, values, **stated)
