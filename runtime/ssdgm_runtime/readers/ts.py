"""Files of the UCR and UEA archives of series, `.ts`: a line for each series.

After lines that begin with @, of which `@data` is the last, a line has the values of each channel
separated by commas, the channels by colons, and where the header says so a label at its end.
"""

from dataclasses import dataclass
from typing import IO

import numpy as np
from numpy.typing import NDArray

from ssdgm_runtime import errors
from ssdgm_runtime.rows.views import lengths

SUFFIX = ".ts"
_LONGEST = 1 << 24
"""The most letters of a line."""


@dataclass(frozen=True)
class Series:
    """What a file holds.

    Attributes:
        x: float32 [n, channels, time], NaN after the end of a series.
        labels: The label of each, as it is written; none without labels.
    """

    x: NDArray[np.float32]
    labels: tuple[str, ...]


def read(stream: IO[bytes], name: str) -> Series:
    """Read a file.

    Args:
        stream: The file.
        name: Its name, for messages.

    Raises:
        DataError: It is no such file, has time stamps or a value that is missing, or its series
            have different numbers of channels.
    """
    labelled, rows, labels = _header(stream, name), list[NDArray[np.float32]](), list[str]()
    for number, line in enumerate(_lines(stream, name), 1):
        where = f"{name}, series {number},"
        *channels, label = (part.strip() for part in line.split(":"))
        if labelled:
            labels.append(label)
        else:
            channels.append(label)
        rows.append(_row(channels, where))
        if len(rows[-1]) != len(rows[0]):
            raise errors.DataError(
                f"{where} has {len(rows[-1])} channels", f"{len(rows[0])}, as the first"
            )
    if not rows:
        raise errors.DataError(f"{name} has no series", "a line for each after @data")
    return Series(lengths.stacked(rows), tuple(labels))


def _lines(stream: IO[bytes], name: str) -> list[str]:
    """The lines that are not blank."""
    lines = [line.decode("utf-8", errors="replace").strip() for line in stream]
    if any(len(line) > _LONGEST for line in lines):
        raise errors.DataError(f"{name} has a line of more than {_LONGEST} letters")
    return [line for line in lines if line and not line.startswith("#")]


def _header(stream: IO[bytes], name: str) -> bool:
    """Read to the line @data; whether lines end in a label."""
    labelled = False
    for line in stream:
        words = line[:_LONGEST].decode("utf-8", errors="replace").lower().split()
        match words[:2]:
            case ["@data", *_]:
                return labelled
            case ["@timestamps", "true"]:
                raise errors.DataError(
                    f"{name} has time stamps", mend="Write its series at even steps, without them."
                )
            case ["@classlabel" | "@targetlabel", said]:
                labelled = said == "true"
    raise errors.DataError(f"{name} has no line @data", "a .ts file of the UCR archive")


def _row(channels: list[str], where: str) -> NDArray[np.float32]:
    """One series, float32 [channels, time]."""
    values = []
    for channel in channels:
        try:
            values.append(np.array(channel.split(","), np.float64))
        except ValueError:
            odd = next((v for v in channel.split(",") if not _is_number(v)), channel)
            raise errors.DataError(
                f"{where} has the value {odd[:40]!r}", "numbers", "Fill what is missing first."
            ) from None
    if len({len(channel) for channel in values}) != 1:
        raise errors.DataError(
            f"{where} has channels of {', '.join(str(len(v)) for v in values)} moments",
            "channels of one length",
        )
    row = np.stack(values).astype(np.float32)
    if not np.isfinite(row).all():
        raise errors.DataError(f"{where} has a value that is not finite", "numbers")
    return row


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
