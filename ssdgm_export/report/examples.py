"""Rows worth a look: those that the classifier is least sure of, and its surest mistakes."""

import numpy as np
from numpy.typing import NDArray

from ssdgm_export import plates
from ssdgm_export.report.material import Material
from ssdgm_runtime.pictures import png
from ssdgm_train.labels import Classes

COUNT = 12
COLUMNS = 6
LEAST = 84
GAP = 48


def of(material: Material) -> list[plates.Plate]:
    """Two plates, or one where nothing is mistaken; none unless rows are images with classes."""
    held = material.held
    if not png.is_image(held.x.shape[1:]) or not isinstance(material.labels, Classes):
        return []
    sure, said = held.probs.max(axis=1), held.probs.argmax(axis=1)
    order = np.argsort(sure, kind="stable")
    wrong = order[::-1][(said != held.y)[order[::-1]]]
    uncertain = plates.Plate(
        "uncertain",
        "Least certain",
        f"The {held.kind} rows whose most probable class is least probable. Below each: its "
        "label; the two most probable classes.",
        f"{min(COUNT, len(order))} {held.kind} rows with their labels and probabilities.",
        _labelled(material, order[:COUNT]),
    )
    if not len(wrong):
        return [uncertain]
    mistaken = plates.Plate(
        "mistaken",
        "Surest mistakes",
        f"The {held.kind} rows that are misclassified with the highest probability: "
        f"{min(COUNT, len(wrong))} of {len(wrong)} mistakes among {len(order)} rows.",
        f"{min(COUNT, len(wrong))} misclassified {held.kind} rows with labels and probabilities.",
        _labelled(material, wrong[:COUNT]),
    )
    return [uncertain, mistaken]


def _labelled(material: Material, chosen: NDArray[np.int64]) -> bytes:
    """Rows as images, each above its label and its most probable classes."""
    held = material.held
    images = material.images(held.x[chosen], LEAST)
    sheet = png.grid(images, min(COLUMNS, len(images)), GAP)[GAP:]
    high, wide = (n + GAP for n in images.shape[1:3])
    texts = [
        plates.Text(
            (i % COLUMNS + 0.5) * wide + GAP / 2,
            (i // COLUMNS + 1) * high - GAP + plates.GAP / 2,
            f"label {plates.short(material.classes[held.y[row]])}\n{_top(material, row)}",
            down="top",
        )
        for i, row in enumerate(chosen.tolist())
    ]
    return plates.sheeted(sheet, texts)


def _top(material: Material, row: int) -> str:
    """The two most probable classes."""
    probs = material.held.probs[row]
    best = np.argsort(-probs, kind="stable")[:2]
    names = ((plates.short(material.classes[k]), 100 * probs[k]) for k in best)
    return "\n".join(f"{name}: {percent:.0f} %" for name, percent in names)
