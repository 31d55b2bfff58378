"""Rows worth a look: those that the classifier is least sure of, and its surest mistakes."""

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ssdgm_export import plates
from ssdgm_export.report.material import Material
from ssdgm_runtime.pictures import png
from ssdgm_train.labels import Continuous, Dense, OneClass, Points

COUNT = 12
COLUMNS = 6
LEAST = 84
GAP = 48


def of(material: Material) -> list[plates.Plate]:
    """Two plates, or one where nothing is mistaken; none of rows that are no images.

    Pictures with masks or points have plates of their own, see `masks` and `points`.
    """
    held, space = material.held, material.parts.space
    if not png.is_image(held.x.shape[1:]) or isinstance(material.labels, Dense | Points):
        return []
    order = np.argsort(space.sure(held.outputs), kind="stable")
    wrong, reason = _mistakes(material, order)
    uncertain = plates.Plate(
        "uncertain",
        "Least certain",
        f"The {held.kind} rows whose prediction is least sure. Below each: its label; what is "
        "predicted.",
        f"{min(COUNT, len(order))} {held.kind} rows with their labels and probabilities.",
        _labelled(material, order[:COUNT]),
    )
    if not len(wrong):
        return [uncertain]
    mistaken = plates.Plate(
        "mistaken",
        *reason,
        f"{min(COUNT, len(wrong))} mistaken {held.kind} rows with labels and probabilities.",
        _labelled(material, wrong[:COUNT]),
    )
    return [uncertain, mistaken]


def _mistakes(
    material: Material, order: NDArray[np.int64]
) -> tuple[NDArray[np.int64], tuple[str, str]]:
    """Mistaken rows, the surest first, a title and a caption; of numbers the largest errors."""
    held = material.held
    wrong = material.parts.space.wrong(held.outputs, held.y)
    if isinstance(material.labels, Continuous):
        worst = np.argsort(-np.nan_to_num(wrong, nan=-1), kind="stable")
        text = f"The {held.kind} rows with the largest errors, of {len(order)}."
        return worst[: int((~np.isnan(wrong)).sum())], ("Largest errors", text)
    rows = order[::-1][(wrong > 0)[order[::-1]]]
    by = "furthest from the threshold" if _scored(material) else "with the highest probability"
    text = (
        f"The {held.kind} rows that are mistaken {by}: "
        f"{min(COUNT, len(rows))} of {len(rows)} mistakes among {len(order)} rows."
    )
    return rows, ("Surest mistakes", text)


def _predicted(material: Material, outputs: dict[str, NDArray[Any]]) -> Iterable[str]:
    """What is predicted for rows: the two most probable names, or numbers."""
    answer = material.parts.space.answer(outputs)
    if isinstance(material.labels, Continuous):
        return map(str, answer.names)
    if _scored(material):
        return (f"{name}\nrank {rank:.3f}" for ((name, rank),) in answer.top())
    return map(_top, answer.top(2))


def _scored(material: Material) -> bool:
    """Whether rows have scores and no probabilities."""
    return isinstance(material.labels, OneClass)


def _labelled(material: Material, chosen: NDArray[np.int64]) -> bytes:
    """Rows as images, each above its label and its most probable classes."""
    held = material.held
    images = material.images(held.x[chosen], LEAST)
    sheet = png.grid(images, min(COLUMNS, len(images)), GAP)[GAP:]
    high, wide = (n + GAP for n in images.shape[1:3])
    outputs = {name: values[chosen] for name, values in held.outputs.items()}
    tops = _predicted(material, outputs)
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
    if isinstance(material.labels, Continuous):
        return material.parts.space.captions(y)
    if y.ndim == 1:
        return [material.names[k] for k in y.tolist()]
    return material.parts.space.captions(y.clip(0).astype(np.float32))


def _top(best: list[tuple[str, float]]) -> str:
    """The most probable names of a row."""
    return "\n".join(f"{plates.short(name)}: {100 * share:.0f} %" for name, share in best)
