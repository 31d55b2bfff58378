"""Series: the lines of a long table, one a moment, cut into windows [channels, time].

A long table has a column that tells series apart, perhaps one of times, and one a channel. Every
series is one window, so all are of one length. Series come in the order in which the table has
them first; their lines in that of their times, or as they lie where there is no column of times.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ssdgm_runtime import jsonfile

Array = NDArray[Any]
Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Series:
    """The columns of a long table.

    Attributes:
        key: The one that tells series apart.
        time: The one of times; empty where lines lie in their order.
        channels: Those of the values, in the order of a window's channels.
    """

    key: str
    time: str
    channels: tuple[str, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """All columns that are read."""
        return (self.key, *((self.time,) if self.time else ()), *self.channels)

    def to_json(self) -> dict[str, Any]:
        """As a manifest has it."""
        return {"series": self.key, "time": self.time, "channels": [*self.channels]}


def parse(value: object) -> Series | None:
    """The field `series` of a manifest; None where windows come as arrays alone.

    Raises:
        FormatError: A field is missing, has another type, or names a column twice.
    """
    if value is None:
        return None
    table = jsonfile.typed(value, dict, "series")
    series = Series(
        jsonfile.get(table, "series", str),
        jsonfile.get(table, "time", str),
        jsonfile.each(table, "channels", str),
    )
    jsonfile.distinct(series.names, "the column")
    return series
