"""Dates and times as numbers of a table: days since 1970-01-01, in UTC where a zone is given."""

import datetime
import math

UNIT = "days since 1970-01-01"
"""The unit of a column of dates, as a manifest has it."""

WANTED = "a date such as 2026-01-31, perhaps with a time, or a missing value"
"""What messages expect."""

LAST = 2_932_896
"""The days of 9999-12-31: a larger number is none of days, but of milliseconds or the like."""

UNITS = "Write dates as ISO 8601 has them; milliseconds are divided by 86400000, seconds by 86400."
"""What to do about such numbers."""

_EPOCH = datetime.datetime(1970, 1, 1)
_DAY = datetime.timedelta(days=1)
_SHORTEST = len("2026-01-31")


def days(word: str) -> float | None:
    """The days of a date that is written as ISO 8601 has it, or of a number of days as text.

    NaN where it is missing, None where it is something else.
    """
    if word == "NaT":
        return math.nan
    try:
        if len(word) < _SHORTEST or word[4] != "-":
            number = float(word)
            return number if abs(number) <= LAST else None
        moment = datetime.datetime.fromisoformat(word)
    except ValueError:
        return None
    if moment.tzinfo is not None:
        moment = moment.astimezone(datetime.UTC).replace(tzinfo=None)
    return (moment - _EPOCH) / _DAY


def written(value: float) -> str:
    """The date that is nearest to a number of days; the number, where no calendar has it."""
    try:
        return (_EPOCH + value * _DAY).date().isoformat()
    except OverflowError:
        return str(value)
