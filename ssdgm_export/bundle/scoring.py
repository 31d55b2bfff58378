"""What a bundle states of its scores: those of validation rows, by which others are ranked."""

from collections.abc import Mapping

import numpy as np

from ssdgm_export.proof import engines, gate, parity
from ssdgm_runtime.bundle import scorer
from ssdgm_train.labels.oneclass import LEVELS
from ssdgm_train.model import SCORER

FEWEST = 20
"""The fewest validation rows that say anything of others."""

NATS = "nats"


def scores(models: Mapping[str, bytes], rows: gate.Rows) -> scorer.Scores:
    """The field `scorer`: quantiles of the scores of validation rows, where there are enough.

    Args:
        models: The fp32 graphs, a scorer among them.
        rows: Those that were held out, or others, of which nothing is stated.
    """
    if rows.kind != "validation" or len(rows.x) < FEWEST:
        return scorer.Scores(NATS)
    values = np.quantile(computed(models, rows), LEVELS)
    return scorer.Scores(NATS, LEVELS, tuple(float(f"{v:.6g}") for v in values))


def unranked(rows: gate.Rows) -> str:
    """Why nothing is stated of validation rows, in a sentence."""
    count = len(rows.x) if rows.kind == "validation" else 0
    return (
        f"scores have no rank: {count} validation rows say nothing of others; hold out {FEWEST} "
        "at least with data.validation, and train again"
    )


def computed(models: Mapping[str, bytes], rows: gate.Rows) -> parity.Array:
    """The score of each row, [n]."""
    engine, feeds = engines.opened(SCORER, models[SCORER]), rows.tensors
    given = {name: feeds[name] for name in engine.inputs if name in feeds}
    parts = [
        engine.run({k: v[start : start + gate.BATCH] for k, v in given.items()})["score"]
        for start in range(0, len(rows.x), gate.BATCH)
    ]
    joined: parity.Array = np.concatenate(parts)[:, 0]
    return joined
