"""Series: the lines of a long table, one a moment, cut into windows [channels, time].

A long table has a column that tells series apart, perhaps one of times, and one a channel. Every
series is one window, so all are of one length; with a stride, it is a recording that is cut into
as many windows as fit. Series come in the order in which the table has them first; their lines in
that of their times, or as they lie where there is no column of times.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ssdgm_runtime import jsonfile

Array = NDArray[Any]
Floats = NDArray[np.float32]
LONGEST = 1 << 31
"""The largest stride."""


@dataclass(frozen=True)
class Series:
    """The columns of a long table.

    Attributes:
        key: The one that tells series apart.
        time: The one of times; empty where lines lie in their order.
        channels: Those of the values, in the order of a window's channels.
        stride: How many moments after one window of a series the next begins; 0: every series is
            one window.
    """

    key: str
    time: str
    channels: tuple[str, ...]
    stride: int = 0

    @property
    def names(self) -> tuple[str, ...]:
        """All columns that are read."""
        return (self.key, *((self.time,) if self.time else ()), *self.channels)

    def to_json(self) -> dict[str, Any]:
        """As a manifest has it."""
        cut = {"stride": self.stride} if self.stride else {}
        return {"series": self.key, "time": self.time, "channels": [*self.channels], **cut}


def parse(value: object) -> Series | None:
    """The field `series` of a manifest; None where windows come as arrays alone.

    Raises:
        FormatError: A field is missing, has another type, or names a column twice; the stride is
            negative.
    """
    if value is None:
        return None
    table = jsonfile.typed(value, dict, "series")
    series = Series(
        jsonfile.get(table, "series", str),
        jsonfile.get(table, "time", str),
        jsonfile.each(table, "channels", str),
        jsonfile.whole(jsonfile.optional(table, "stride", int, 0), "stride", 0, LONGEST),
    )
    jsonfile.distinct(series.names, "the column")
    return series
