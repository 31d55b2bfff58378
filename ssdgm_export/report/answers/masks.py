"""Masks drawn over pictures, the true ones beside those that are predicted; pictures of masks."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ssdgm_export import plates
from ssdgm_export.report.material import Material
from ssdgm_runtime.inference import noise
from ssdgm_runtime.pictures import overlays, png
from ssdgm_train.labels import Dense, dense
from ssdgm_train.labels.measures import overlaps

COUNT = 6
SIDE = 256
STYLES = 4


def of(material: Material) -> list[plates.Plate]:
    """The pictures with the largest and the smallest share of wrong places, and some between."""
    held = material.held
    wrong = material.parts.space.wrong(held.outputs, held.y)
    order = np.argsort(np.nan_to_num(wrong, nan=-1), kind="stable")[::-1]
    order = order[: int((~np.isnan(wrong)).sum())]
    if not len(order):
        return []
    spread = order[np.linspace(0, len(order) - 1, min(COUNT, len(order))).astype(int)]
    parts = (
        ("masks", "Masks from the worst picture to the best", spread),
        ("worst", "The worst pictures", order[:COUNT]),
    )
    return [_plate(material, name, title, chosen) for name, title, chosen in parts]


def _plate(material: Material, name: str, title: str, chosen: NDArray[np.int64]) -> plates.Plate:
    """A line a picture: as it is, with its true mask, with the predicted one."""
    held, space = material.held, material.parts.space
    answer = space.answer({key: value[chosen] for key, value in held.outputs.items()})
    truth, x = held.y[chosen], held.x[chosen]
    x, truth, said = (part[:, :SIDE, :SIDE] for part in (x, truth, answer.labels))
    bare = overlays.coloured(png.to_images(x, material.low, material.high))
    drawn = [bare, overlays.over(bare, truth), overlays.over(bare, said)]
    cells = np.stack(drawn, 1).reshape(-1, *bare.shape[1:])
    each = [_iou(*pair) for pair in zip(held.y[chosen], answer.labels, strict=True)]
    named = ", ".join(
        f"{colour} {label}"
        for colour, label in zip(overlays.NAMES, material.classes, strict=False)
    )
    return plates.Plate(
        name,
        title,
        f"{len(chosen)} {held.kind} pictures; beside each its label, then what is predicted. At "
        f"the left the mean IoU of its classes. Classes are outlined: {named}; places without "
        "label are dark.",
        f"{len(chosen)} pictures with true and predicted masks.",
        plates.grid(
            cells, 3, above=["picture", "label", "predicted"], left=[f"{v:.2f}" for v in each]
        ),
    )


def _iou(truth: NDArray[np.uint8], said: NDArray[np.uint8]) -> float:
    """The mean intersection over union of the classes that a picture has."""
    known = truth != dense.UNKNOWN
    kinds = np.unique(np.concatenate([truth[known], said[known]]))
    both = [((truth == k) & (said == k) & known).sum() for k in kinds]
    either = [(((truth == k) | (said == k)) & known).sum() for k in kinds]
    return float(np.mean(np.array(both) / np.array(either))) if len(kinds) else 1.0


def painted(material: Material) -> list[plates.Plate]:
    """Pictures that the decoder makes of true masks, in several styles."""
    model, held = material.parts, material.held
    if not isinstance(material.labels, Dense) or "decoder" not in model.graphs:
        return []
    counts = overlaps.counted(held.y, len(material.classes))
    whole = np.flatnonzero(counts.sum(1))
    chosen = whole[np.linspace(0, len(whole) - 1, min(COUNT, len(whole))).astype(int)]
    if not len(chosen):
        return []
    classes = np.where(held.y[chosen] == dense.UNKNOWN, 0, held.y[chosen])
    y = model.space.read(model.space.own_values[classes])
    width = next(t.width for t in model.graphs["decoder"].inputs if t.name == "z")
    z = noise.draw(material.run.seed, "z", STYLES, width)
    made = [
        model.answer("decoder", {"y": y, "z": np.repeat(one[None], len(y), axis=0)}) for one in z
    ]
    rows: list[NDArray[Any]] = [held.x[chosen].astype(np.float32), *made]
    cells = np.stack([row[:, :SIDE, :SIDE] for row in rows], 1)
    images = png.to_images(cells.reshape(-1, *cells.shape[2:]), material.low, material.high)
    return [
        plates.Plate(
            "painted",
            "Pictures of masks",
            f"At the left {held.kind} pictures; beside each what the decoder makes of its mask, "
            f"in {STYLES} styles z, drawn from their prior with seed {material.run.seed}; places "
            f"without label are taken for {material.classes[0]}.",
            f"{len(chosen)} pictures, each beside {STYLES} that were made of its mask.",
            plates.grid(images, STYLES + 1, above=["picture", *["made"] * STYLES]),
        )
    ]
