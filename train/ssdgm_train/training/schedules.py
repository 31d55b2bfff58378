"""Factors on the learning rate as functions of progress, from 0 to 1."""

import math
from collections.abc import Callable


def constant(progress: float) -> float:
    """The same rate throughout."""
    return 1.0


def cosine(progress: float) -> float:
    """Half a cosine from one to zero (Loshchilov and Hutter, 2017, without restarts)."""
    return 0.5 * (1 + math.cos(math.pi * progress))


def staircase(progress: float) -> float:
    """Three quarters of the rate at each of five equal steps, as Maaløe et al. (2016) have it."""
    return 0.75 ** math.floor(5 * progress)


SCHEDULES: dict[str, Callable[[float], float]] = {
    "constant": constant,
    "cosine": cosine,
    "staircase": staircase,
}
