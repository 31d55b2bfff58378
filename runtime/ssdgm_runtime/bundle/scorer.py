"""What a manifest states of the scores of rows: the field `scorer`."""

from typing import NamedTuple

from ssdgm_runtime import errors, jsonfile
from ssdgm_runtime.labels import ranking

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
    levels, values = ranking.quantiles(section, "scorer")
    stated = {
        key: jsonfile.number(section[key], f"scorer.{key}")
        for key in ("threshold", "false_alarms")
        if section.get(key) is not None
    }
    if not 0 <= stated.get("false_alarms", 0) <= 1:
        raise errors.FormatError(
            "The scorer of the manifest has false alarms beyond 0 to 1", mend=jsonfile.MEND
        )
    return Scores(jsonfile.optional(section, "unit", str, ""), levels, values, **stated)
