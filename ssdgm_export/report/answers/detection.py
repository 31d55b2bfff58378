"""How outliers are told from normal rows: the ROC curve, and the scores of both."""

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from ssdgm_export import plates
from ssdgm_export.report.material import Material
from ssdgm_train.labels import oneclass
from ssdgm_train.labels.measures import detection

BINS = 40
CUT = 0.995
"""The share of rows within the axis of scores; the strangest have a bin of their own."""

NAMES = {oneclass.NORMAL: "normal rows", oneclass.OUTLIER: "outliers", -1: "not labelled"}
COLOURS = {oneclass.NORMAL: "tab:blue", oneclass.OUTLIER: "tab:orange", -1: "tab:grey"}


def of(material: Material) -> list[plates.Plate]:
    """The histogram of scores, and the ROC curve where there are normal rows and outliers."""
    y, score = material.held.y, material.held.outputs["score"][:, 0].astype(np.float64)
    space: Any = material.parts.space  # a `OneClass`
    known = {oneclass.NORMAL, oneclass.OUTLIER} <= set(y.tolist())
    curve = [_roc(material, score, y, space.threshold)] if known else []
    return [*curve, _scores(material, score, y, space)]


def _roc(
    material: Material, score: NDArray[np.float64], y: NDArray[Any], threshold: float
) -> plates.Plate:
    from sklearn import metrics

    score, y = score[y >= 0], y[y >= 0]
    out = y == oneclass.OUTLIER
    alarms, hits, _ = metrics.roc_curve(out, score)
    area, precision = detection.auroc(score, out), detection.average_precision(score, out)
    here = [float((score[part] > threshold).mean()) for part in (~out, out)]
    drawn = plates.figure(5.4, 5.0)
    axes = drawn.subplots()
    axes.plot([0, 1], [0, 1], color="grey", linewidth=0.8, linestyle=":")
    axes.plot(alarms, hits, color="tab:blue")
    axes.plot(*here, "o", color="tab:orange", label="the threshold")
    axes.set(xlabel="share of normal rows above", ylabel="share of outliers above")
    axes.set(xlim=(-0.01, 1.01), ylim=(-0.01, 1.01))
    axes.set_title(f"AUROC {area:.4f}, average precision {precision:.4f}", fontsize=10)
    axes.legend(fontsize=plates.SIZE, frameon=False, loc="lower right")
    return plates.Plate(
        "roc",
        "Outliers found by false alarms",
        f"{int(out.sum())} outliers and {int((~out).sum())} normal {material.held.kind} rows: for "
        "every threshold, how many of either have a higher score. The point is the model's own "
        f"threshold, found on validation rows: {100 * here[0]:.1f} % false alarms, "
        f"{100 * here[1]:.1f} % of the outliers found.",
        f"ROC curve with AUROC {area:.4f} and average precision {precision:.4f}.",
        plates.encode(drawn),
    )


def _scores(
    material: Material,
    score: NDArray[np.float64],
    y: NDArray[Any],
    space: Any,  # noqa: ANN401  (a `OneClass`)
) -> plates.Plate:
    """Histograms of the scores of normal rows and outliers, with the threshold."""
    normal = score[y == oneclass.NORMAL] if (y == oneclass.NORMAL).any() else score
    high = max(float(np.quantile(score, CUT)), space.threshold)
    high = min(high, space.threshold + 3 * (space.threshold - float(normal.min())))
    edges = np.linspace(float(score.min()), high, BINS + 1)
    kinds = [kind for kind in NAMES if (y == kind).any()]
    drawn = plates.figure(7.0, 1.0 + 1.6 * len(kinds))
    lines: list[Axes] = list(drawn.subplots(len(kinds), 1, sharex=True, squeeze=False).flat)
    for axes, kind in zip(lines, kinds, strict=True):
        own = score[y == kind].clip(max=high)
        axes.hist(own, edges.tolist(), color=COLOURS[kind])
        axes.axvline(space.threshold, color="black", linewidth=0.8, linestyle=":")
        axes.set_ylabel(NAMES[kind])
        axes.tick_params(labelsize=plates.SIZE)
    lines[-1].set_xlabel("score, nats: -log p(x), at most" if space.unit == "nats" else "score")
    median = ", ".join(f"{NAMES[kind]} {np.median(score[y == kind]):.4g}" for kind in kinds)
    return plates.Plate(
        "scores",
        "Scores",
        f"{len(score)} {material.held.kind} rows by their score; those beyond the axis are in its "
        "last bin. Rows right of the dotted line are called outliers: it leaves "
        f"{100 * space.false_alarms:g} % of the normal validation rows there.",
        f"Histograms of scores; medians: {median}.",
        plates.encode(drawn),
    )
