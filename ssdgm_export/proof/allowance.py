"""What lower precision may cost."""

import math
from dataclasses import dataclass

from ssdgm_runtime import errors

MAX_DROP, MAX_DISTORTION = 0.002, 0.01


@dataclass(frozen=True)
class Limits:
    """What lower precision may cost.

    Attributes:
        drop: How much a classifier's share of wrong rows may rise, or how many of its answers may
            change, from 0; of numbers, how much their error may rise, in deviations of the
            training labels.
        distortion: By which share the squared error of reconstructions may grow, from 0.
    """

    drop: float = MAX_DROP
    distortion: float = MAX_DISTORTION


def parse(drop: str, distortion: str) -> Limits:
    """Limits as a command line has them: percentages such as 0.2%.

    Raises:
        InputError: One is no percentage from 0 to 100.
    """
    return Limits(_share(drop, "max-drop"), _share(distortion, "max-distortion"))


def _share(text: str, name: str) -> float:
    number, sign, rest = text.strip().partition("%")
    try:
        share = float(number) / 100 if sign and not rest else math.nan
    except ValueError:
        share = math.nan
    if not 0 <= share <= 1:
        raise errors.InputError(name, repr(text), "a percentage from 0% to 100%, such as 0.2%")
    return share
