"""What the JSON files of a run directory hold at least, and a check against it."""

from collections.abc import Mapping
from typing import Any

Like = Any
"""A type; a mapping of names to these; or a tuple of these, any of which will do; None is null."""

DOCUMENT = {
    "recipe": {"method": str, "model": dict},
    "seed": int,
    "labels": (int, None),
    "data": {
        **dict.fromkeys(("source", "name", "digest"), str),
        "classes": list,
        **dict.fromkeys(("labelled", "unlabelled", "validation", "test"), int),
        "validation_labels_are_extra": bool,
    },
    "split": str,
    "problem": {
        **dict.fromkeys(("dtype", "likelihood"), str),
        **dict.fromkeys(("shape", "shift", "scale"), list),
        "labels": {"prior": list},
        "total": int,
    },
    "environment": {"device": str, "threads": int},
}
"""What `run.json` holds at least."""

SCORE = ({"rows": int, **dict.fromkeys(("error", "nll", "brier", "ece"), float)}, None)
SCORES = dict.fromkeys(("validation", "test", "unlabelled"), SCORE)
RESULT = {
    **dict.fromkeys(("ended", "select"), str),
    "steps": int,
    "temperature": float,
    **SCORES,
    "uncalibrated": SCORES,
    "latents": ({"size": int, "active": list}, None),
    "neighbours": ({"k": int, "rows": int, "error": float}, None),
}
"""What `result.json` holds at least."""

COMPARED = (
    {"rows": int, **dict.fromkeys(("error", "baseline", "difference", "low", "high"), float)},
    None,
)
BASELINE = ({"method": str, "steps": int, "validation": COMPARED, "test": COMPARED}, None)
"""What `result.json` may hold of a baseline."""

RECORD = {
    "step": int,
    "phase": str,
    "terms": dict,
    "validation": (dict, None),
    "validation_terms": (dict, None),
}
"""What a line of `metrics.jsonl` holds at least."""

ESTIMATE = ({**dict.fromkeys(("bound", "importance", "standard_error"), float)}, None)
EVALUATION = {
    "part": str,
    "rows": int,
    "samples": int,
    "evidence": {"rows": ESTIMATE, "bits": ESTIMATE},
    "labels": {"classifier": SCORE, "posterior": SCORE},
}
"""What `evidence.json` holds at least."""


def misfit(found: object, like: Like, place: str = "") -> str:
    """The first place where a document is not like a pattern, or an empty string.

    Example:
        >>> misfit({"a": {"b": 1}}, {"a": {"b": int, "c": (str, None)}})
        'a.c'
    """
    if isinstance(like, Mapping):
        if not isinstance(found, dict):
            return place or "the whole"
        parts = ((key, f"{place}.{key}" if place else key, part) for key, part in like.items())
        misfits = (misfit(found[k], part, at) if k in found else at for k, at, part in parts)
        return next(filter(None, misfits), "")
    kinds = like if isinstance(like, tuple) else (like,)
    return "" if any(_fits(found, kind) for kind in kinds) else place


def _fits(found: object, kind: Like) -> bool:
    if kind is None or isinstance(found, bool):
        return found is kind or kind is bool
    if isinstance(kind, Mapping):
        return not misfit(found, kind, "here")
    return isinstance(found, int | float) if kind is float else isinstance(found, kind)
