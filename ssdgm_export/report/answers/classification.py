"""How the classifier errs, and whether its probabilities are what they say."""

import numpy as np
import torch
from matplotlib.axes import Axes
from numpy.typing import NDArray

from ssdgm_export import plates
from ssdgm_export.report.material import Material
from ssdgm_train.labels import Dense
from ssdgm_train.labels.measures import scores

COUNTED = 20
"""The most classes for which counts and names are written."""


def of(material: Material) -> list[plates.Plate]:
    """The confusion matrix, where a row has one label, and the reliability diagram."""
    held, labels = material.held, material.labels
    raw = torch.from_numpy(held.outputs[material.parts.space.checked])
    y = torch.from_numpy(held.y)
    counts = labels.confusion(raw, y)
    confusion = [] if counts is None else [_confusion(material, counts)]
    return [*confusion, _reliability(material, labels.reliability(raw, y))]


def _confusion(material: Material, counts: NDArray[np.int64]) -> plates.Plate:
    drawn = plates.figure(6.0, 5.4)
    axes = drawn.subplots()
    shares = counts / counts.sum(axis=1, keepdims=True).clip(min=1)
    image = axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    drawn.colorbar(image, ax=axes, fraction=0.045, label="share of the label's rows")
    axes.set_xlabel("predicted")
    axes.set_ylabel("label")
    if len(counts) <= COUNTED:
        names = material.names[: len(counts)]
        _write(axes, counts, shares, [plates.short(name) for name in names])
    rows, right = int(counts.sum()), int(np.trace(counts))
    return plates.Plate(
        "confusion",
        "Confusion matrix",
        f"{rows} {material.held.kind} {_one(material)} by their label (down) and by what is "
        f"predicted (across); {rows - right} of them are misclassified.",
        f"Confusion matrix of {len(counts)} classes: {right} of {rows} are right.",
        plates.encode(drawn),
    )


def _write(
    axes: Axes, counts: NDArray[np.int64], shares: NDArray[np.float64], names: list[str]
) -> None:
    """The counts that are not zero, and the classes' names."""
    places = range(len(names))
    upright = max(map(len, names)) > 3
    axes.set_xticks(places, names, rotation=90 if upright else 0, parse_math=False)
    axes.set_yticks(places, names, parse_math=False)
    axes.tick_params(labelsize=plates.SIZE)
    for i, j in np.argwhere(counts):
        colour = "white" if shares[i, j] > 0.5 else "black"
        axes.text(
            j, i, str(counts[i, j]), ha="center", va="center", color=colour, fontsize=plates.SIZE
        )


def _reliability(material: Material, reliability: scores.Reliability) -> plates.Plate:
    drawn = plates.figure(6.0, 5.4)
    above, below = drawn.subplots(2, 1, sharex=True, height_ratios=(3, 1))
    bins = len(reliability.counts)
    edges = (np.arange(bins) + 0.5) / bins
    filled = reliability.counts.numpy() > 0
    above.plot([0, 1], [0, 1], color="grey", linewidth=0.8, linestyle=":")
    above.bar(edges[filled], reliability.accuracy.numpy()[filled], 0.9 / bins, color="tab:blue")
    above.plot(
        reliability.confidence.numpy()[filled],
        reliability.accuracy.numpy()[filled],
        "o",
        color="tab:orange",
        markersize=4,
    )
    above.set(xlim=(0, 1), ylim=(0, 1.02), ylabel="share that is right")
    above.set_title(f"expected calibration error {100 * reliability.error:.1f} %", fontsize=10)
    below.bar(edges[filled], reliability.counts.numpy()[filled], 0.9 / bins, color="tab:grey")
    below.set(
        yscale="log", ylabel=_counted(material).split()[-1], xlabel="probability of the prediction"
    )
    below.set_ylim(bottom=0.5)
    return plates.Plate(
        "reliability",
        "Reliability",
        f"{_counted(material)} by the probability of their prediction: "
        "the share that is right (bars; points stand at a bin's mean probability), which is on "
        "the dotted line where probabilities are honest, and below how many there are.",
        f"Reliability diagram; expected calibration error {100 * reliability.error:.1f} %.",
        plates.encode(drawn),
    )


def _one(material: Material) -> str:
    """What has a class: a row, or a place of a picture."""
    return "places" if isinstance(material.labels, Dense) else "rows"


def _counted(material: Material) -> str:
    """What a reliability diagram counts, such as "Test rows"; of several a row, answers."""
    what = _one(material) if material.labels.entries == 1 else "answers"
    return f"{material.held.kind.capitalize()} {what}"
