"""How rows of a file differ from the training's, by their columns and by a bundle's score."""

from pathlib import Path
from typing import Any

import numpy as np

from ssdgm_runtime import atomic, errors, model
from ssdgm_runtime.bundle import manifest
from ssdgm_runtime.readers import inputs, raw
from ssdgm_runtime.rows import columns as table
from ssdgm_runtime.rows.drift import differences

Json = dict[str, Any]

STRANGE, SCORED = 0.01, 1000
"""The rank from which on down a row is strange, and how many rows are ranked at most."""


def familiarity(opened: model.Model, x: inputs.Array) -> Json:
    """How usual rows are beside validation rows, by a bundle's score; empty where it has none.

    Args:
        opened: The bundle.
        x: Rows, of which at most `SCORED` are scored, evenly spaced.

    Returns:
        How many were scored, the median of their ranks (0.5 where rows are as usual), and the
        share that is stranger than 99 of 100 validation rows.
    """
    if "score" not in opened.tasks or not len(x):
        return {}
    ranks = opened.score(x[np.linspace(0, len(x) - 1, min(len(x), SCORED)).astype(int)]).rank
    if np.isnan(ranks).any():
        return {}
    strange = float((ranks <= STRANGE).mean())
    return {"rows": len(ranks), "median_rank": float(np.median(ranks)), "strange": strange}


def unfamiliar(known: Json) -> str:
    """That many rows are strange, in a sentence; empty where they are as many as chance has."""
    if not known:
        return ""
    chance = STRANGE + 3 * np.sqrt(STRANGE * (1 - STRANGE) / known["rows"])
    if known["strange"] <= chance:
        return ""
    return (
        f"{known['strange']:.0%} of the rows are stranger to the model than 99 of 100 validation "
        f"rows, by its score"
    )


def beside(
    rows: atomic.PathLike, x: inputs.Array, about: manifest.Manifest, keep: str | None
) -> tuple[raw.Values, list[Json]]:
    """The columns of a table that are to be kept, and how rows differ from the training's."""
    known, drawn = about.columns, about.likelihood
    path, names = Path(rows), [] if keep is None else [name.strip() for name in keep.split(",")]
    words = [c.name for c in known if c.kind == table.CATEGORY and raw.is_named(path.name)]
    values = raw.read(path, [*dict.fromkeys([*names, *words])]) if names or words else {}
    kept = {name: values[name] for name in names}
    for name, column in kept.items():
        if len(column) != len(x):
            raise errors.DataError(
                f"{path} has {len(column)} lines and {len(x)} rows, so {name!r} cannot be kept",
                mend="Leave --keep out; each answer has its series' name as source.",
            )
    if not known:
        return kept, differences.outside(x, drawn.span) if drawn and drawn.span else []
    return kept, differences.drift(x, known, values) if len(x) else []
