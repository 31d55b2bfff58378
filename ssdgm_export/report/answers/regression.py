"""How predicted numbers err: against the true ones, by tenths of these, and by their intervals."""

from collections.abc import Sequence

import numpy as np
import torch
from matplotlib.axes import Axes
from numpy.typing import NDArray

from ssdgm_export import plates
from ssdgm_export.report.material import Material
from ssdgm_train.labels.measures import scores

MOST = 6
"""The most numbers of a label that are drawn."""

POINTS = 2000
TENTHS = 10
Floats = NDArray[np.float64]


def of(material: Material) -> list[plates.Plate]:
    """A plate for each of the first numbers, and one of the calibration of all."""
    mean, scale = (material.held.outputs[name].astype(np.float64) for name in ("mean", "scale"))
    each = [
        _scatter(material, name, *(part[:, k] for part in (mean, scale, material.held.y)))
        for k, name in enumerate(material.classes[:MOST])
    ]
    return [*each, _intervals(material, mean, scale)]


def _scatter(
    material: Material, name: str, mean: Floats, scale: Floats, y: Floats
) -> plates.Plate:
    """Predicted against true numbers, and the error by tenths of the true ones."""
    known = ~np.isnan(y)
    mean, scale, y = mean[known], scale[known], y[known]
    drawn = plates.figure(6.0, 6.8)
    above, below = drawn.subplots(2, 1, height_ratios=(3, 1.2))
    few = np.linspace(0, len(y) - 1, min(len(y), POINTS)).astype(int)
    low, high = min(y.min(), mean.min()), max(y.max(), mean.max())
    above.errorbar(
        y[few],
        mean[few],
        scale[few],
        fmt="o",
        markersize=3,
        color="tab:blue",
        ecolor="tab:blue",
        elinewidth=0.6,
        alpha=0.4,
    )
    above.plot([low, high], [low, high], color="grey", linewidth=0.8, linestyle=":")
    above.set(xlabel="label", ylabel="prediction, with its deviation")
    rmse = float(np.sqrt(np.mean((mean - y) ** 2)))
    above.set_title(f"{plates.short(name)}: RMSE {rmse:.4g}", fontsize=10, parse_math=False)
    _tenths(below, mean, y)
    place = 0 if len(material.classes) == 1 else material.classes.index(name)
    return plates.Plate(
        f"numbers{place if place else ''}",
        f"Predicted and true: {name}",
        f"{len(y)} {material.held.kind} rows. Above, the prediction against the label, each with "
        "its standard deviation, on the dotted line where they are equal"
        f"{f' ({len(few)} rows are drawn)' if len(few) < len(y) else ''}. Below, the root mean "
        "squared error and the mean error (predicted less true) by tenths of the labels.",
        f"Scatter of predicted against true {name}: RMSE {rmse:.4g} on {len(y)} rows.",
        plates.encode(drawn),
    )


def _tenths(below: Axes, mean: Floats, y: Floats) -> None:
    """The error and the mean error by tenths of the true numbers."""
    parts = [part for part in np.array_split(np.argsort(y, kind="stable"), TENTHS) if len(part)]
    own = [float(np.sqrt(np.mean((mean[part] - y[part]) ** 2))) for part in parts]
    bias = [float(np.mean(mean[part] - y[part])) for part in parts]
    places = np.arange(len(parts))
    below.bar(places, own, 0.8, color="tab:blue", label="RMSE")
    below.plot(places, bias, "o-", color="tab:orange", markersize=4, label="mean error")
    below.axhline(0, color="grey", linewidth=0.8)
    below.set_xticks(places, [f"{y[part].mean():.3g}" for part in parts])
    below.set(xlabel="mean label of each tenth, from low to high", ylabel="error")
    below.tick_params(labelsize=plates.SIZE)
    below.legend(fontsize=plates.SIZE, frameon=False)


def _intervals(material: Material, mean: Floats, scale: Floats) -> plates.Plate:
    """How many labels central intervals hold, next to how many they should."""
    reliability = _coverage(material, mean, scale)
    levels, held = reliability.confidence.numpy(), reliability.accuracy.numpy()
    drawn = plates.figure(5.4, 4.6)
    axes = drawn.subplots()
    axes.plot([0, 1], [0, 1], color="grey", linewidth=0.8, linestyle=":")
    axes.plot(levels, held, "o-", color="tab:blue", markersize=4)
    axes.set(xlim=(0, 1), ylim=(0, 1), xlabel="interval", ylabel="share of labels in it")
    off = 100 * reliability.error
    axes.set_title(f"off by {off:.1f} % on average", fontsize=10)
    return plates.Plate(
        "intervals",
        "Calibration of intervals",
        f"The share of {material.held.kind} labels in central intervals of 10, 20 to 90 % around "
        "the predictions, by the predicted deviations: on the dotted line where these are honest, "
        "below it where they are too small.",
        f"Coverage of {_listed(levels)} % intervals: {_listed(held)} %.",
        plates.encode(drawn),
    )


def _coverage(material: Material, mean: Floats, scale: Floats) -> scores.Reliability:
    y = torch.from_numpy(material.held.y)
    known = ~y.isnan()
    centre, deviation = torch.from_numpy(mean), torch.from_numpy(scale)
    return scores.coverage(centre, deviation, torch.nan_to_num(y), known)


def _listed(shares: Sequence[float] | Floats) -> str:
    return ", ".join(f"{100 * share:.0f}" for share in shares)
