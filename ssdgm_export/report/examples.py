"""Rows worth a look: those that the classifier is least sure of, and its surest mistakes."""

import numpy as np
from numpy.typing import NDArray

from ssdgm_export import plates
from ssdgm_export.report.material import Material
from ssdgm_runtime.pictures import png

COUNT = 12
COLUMNS = 6
LEAST = 84
GAP = 48


def of(material: Material) -> list[plates.Plate]:
    """Two plates, or one where nothing is mistaken; none of rows that are no images."""
    held, space = material.held, material.parts.space
    if not png.is_image(held.x.shape[1:]):
        return []
    order = np.argsort(space.sure(held.outputs), kind="stable")
    mistakes = space.wrong(held.outputs, held.y) > 0
    wrong = order[::-1][mistakes[order[::-1]]]
    uncertain = plates.Plate(
        "uncertain",
        "Least certain",
        f"The {held.kind} rows whose prediction is least sure. Below each: its label; the two "
        "most probable names.",
        f"{min(COUNT, len(order))} {held.kind} rows with their labels and probabilities.",
        _labelled(material, order[:COUNT]),
    )
    if not len(wrong):
        return [uncertain]
    mistaken = plates.Plate(
        "mistaken",
        "Surest mistakes",
        f"The {held.kind} rows that are mistaken with the highest probability: "
        f"{min(COUNT, len(wrong))} of {len(wrong)} mistakes among {len(order)} rows.",
        f"{min(COUNT, len(wrong))} mistaken {held.kind} rows with labels and probabilities.",
        _labelled(material, wrong[:COUNT]),
    )
    return [uncertain, mistaken]


def _labelled(material: Material, chosen: NDArray[np.int64]) -> bytes:
    """Rows as images, each above its label and its most probable classes."""
    held = material.held
    images = material.images(held.x[chosen], LEAST)
    sheet = png.grid(images, min(COLUMNS, len(images)), GAP)[GAP:]
    high, wide = (n + GAP for n in images.shape[1:3])
    outputs = {name: values[chosen] for name, values in held.outputs.items()}
    tops = map(_top, material.parts.space.answer(outputs).top(2))
    texts = [
        plates.Text(
            (i % COLUMNS + 0.5) * wide + GAP / 2,
            (i // COLUMNS + 1) * high - GAP + plates.GAP / 2,
            f"label {plates.short(label)}\n{top}",
            down="top",
        )
        for i, (label, top) in enumerate(zip(_labels(material, chosen), tops, strict=True))
    ]
    return plates.sheeted(sheet, texts)


def _labels(material: Material, chosen: NDArray[np.int64]) -> list[str]:
    """The labels of rows by name; a class that no training row has by its value."""
    y = material.held.y[chosen]
    if y.ndim == 1:
        return [material.names[k] for k in y.tolist()]
    return material.parts.space.captions(y.clip(0).astype(np.float32))


def _top(best: list[tuple[str, float]]) -> str:
    """The most probable names of a row."""
    return "\n".join(f"{plates.short(name)}: {100 * share:.0f} %" for name, share in best)
