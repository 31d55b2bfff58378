"""A report of a finished run that people look at: one HTML page, and its pictures as PNG files.

The page holds everything itself: pictures as base64, no script, nothing from a network. It knows
neither dates nor paths, so that the same run gives the same bytes wherever it lies.
"""

import os
from pathlib import Path

from ssdgm_export import plates
from ssdgm_export.proof import parity
from ssdgm_export.report import curves, examples, generation, marginals, material, page, views
from ssdgm_export.report.answers import classification, detection, masks, points, regression
from ssdgm_runtime import atomic
from ssdgm_train.labels import Continuous, Dense, OneClass, Points

__all__ = ["FIGURES", "PAGE", "write"]

PAGE = "report.html"
FIGURES = "figures"


def write(run_dir: str | os.PathLike[str], data: str | None = None) -> Path:
    """Write `report.html` and `figures/*.png` into a run's directory, over those of before.

    Args:
        run_dir: A finished run.
        data: Where the run's data lies now, if it has moved.

    Returns:
        The page's path.

    Raises:
        RunError: The run has not ended, is damaged, or its data has changed.
    """
    place = Path(run_dir)
    contents = material.gather(place, data)
    with parity.one_thread():
        painted = masks.painted(contents)
        made = [*generation.of(contents), *painted, *marginals.of(contents), *views.of(contents)]
        sections = (
            page.Section("Learning curves", curves.of(contents)),
            page.Section(*_answers(contents)),
            page.Section("What the model generates", made),
            page.Section("Examples to look at", examples.of(contents)),
        )
    shown = [section for section in sections if section.plates]
    with atomic.folder(place / FIGURES, replace=True) as folder:
        for section in shown:
            for plate in section.plates:
                (folder / f"{plate.name}.png").write_bytes(plate.png)
    atomic.write(place / PAGE, page.page(contents, shown).encode(), force=True)
    return place / PAGE


def _answers(contents: material.Material) -> tuple[str, list[plates.Plate]]:
    """The section about labels."""
    if isinstance(contents.labels, Points):
        return "Points", points.of(contents)
    if isinstance(contents.labels, Continuous):
        return "Prediction", regression.of(contents)
    if isinstance(contents.labels, OneClass):
        return "Outliers", detection.of(contents)
    if isinstance(contents.labels, Dense):
        return "Masks", [*masks.of(contents), *classification.of(contents)]
    return "Classification", classification.of(contents)
