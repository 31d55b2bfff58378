"""Ours beside a rival on the same test rows and draws, and the ranks of all contenders."""

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from scipy import stats

from benchmarks.contest.sets import Array

TIMES = 1000
LEVEL = 0.05


def bootstrap(ours: Sequence[Array], theirs: Sequence[Array]) -> Array:
    """Differences of error, ours minus theirs, over test rows and draws drawn anew, [TIMES].

    Args:
        ours: Which test rows are wrong, of each draw.
        theirs: The same rows and draws.
    """
    apart = np.stack(ours).astype(np.float32) - np.stack(theirs).astype(np.float32)
    rng = np.random.default_rng(0)
    means = np.empty(TIMES)
    for k in range(TIMES):
        rows = np.bincount(rng.integers(apart.shape[1], size=apart.shape[1]), None, apart.shape[1])
        draws = rng.integers(len(apart), size=len(apart))
        means[k] = (apart[draws] @ rows).mean() / apart.shape[1]
    return means


def ranks(errors: Array) -> Array:
    """Mean ranks of contenders, the columns, over sets; equal errors share a rank."""
    mean: Array = stats.rankdata(errors, axis=1).mean(0)
    return mean


def critical_difference(contenders: int, over: int) -> float:
    """By how much mean ranks must differ, after Nemenyi, at the level 0.05."""
    q = stats.studentized_range.ppf(1 - LEVEL, contenders, np.inf) / math.sqrt(2)
    return float(q * math.sqrt(contenders * (contenders + 1) / (6 * over)))


def groups(mean: Sequence[float], critical: float) -> list[tuple[float, float]]:
    """The widest spans of sorted mean ranks that do not differ."""
    spans: list[tuple[float, float]] = []
    for low in mean:
        high = max(rank for rank in mean if rank - low <= critical)
        if high > low and (not spans or high > spans[-1][1]):
            spans.append((low, high))
    return spans


def picture(mean: dict[str, float], critical: float, over: int, path: Path) -> None:
    """Draw the mean ranks; a bar joins contenders that do not differ."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    names = sorted(mean, key=lambda name: mean[name])
    bars = groups([mean[name] for name in names], critical)
    height = 0.3 * (len(names) + len(bars)) + 1.2
    figure, axes = plt.subplots(figsize=(8, height), layout="constrained")
    for line, name in enumerate(names):
        axes.plot(mean[name], line, "o", color="C3" if "(ours)" in name else "C0")
        axes.annotate(f"{mean[name]:.2f}", (mean[name], line), (7, -3), textcoords="offset points")
    for line, (low, high) in enumerate(bars, len(names)):
        axes.plot([low, high], [line, line], color="black", linewidth=3)
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(len(names) + len(bars) - 0.5, -0.5)
    axes.set_xlim(0.8, len(names) + 0.2)
    axes.set_xlabel(
        f"mean rank of the error over {over} sets; contenders under one bar differ by no more\n"
        f"than Nemenyi's critical difference, {critical:.2f}"
    )
    figure.savefig(path, dpi=120)
    plt.close(figure)
