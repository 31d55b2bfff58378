"""The front matter of a model card: what model hubs read, find models by and show beside them.

It is YAML as Hugging Face has it (https://huggingface.co/docs/hub/model-cards), a field a line and
every value as JSON, which is YAML too.
"""

import json
import math
import re
from collections.abc import Iterator, Mapping
from typing import Any

from ssdgm_runtime.bundle.manifest import Manifest

Json = Mapping[str, Any]

PIPELINES = {
    ("image", "classes"): "image-classification",
    ("image", "tags"): "image-classification",
    ("image", "masks"): "image-segmentation",
    **{
        (kind, space): "tabular-classification"
        for kind in ("rows", "table")
        for space in ("classes", "tags")
    },
    **{(kind, "numbers"): "tabular-regression" for kind in ("rows", "table")},
}
"""The hubs' name of a task, by the kind of rows and the label space; for others there is none."""

# fmt: off
LICENCES = frozenset((
    "apache-2.0", "mit", "afl-3.0", "artistic-2.0", "bsl-1.0", "bsd-2-clause", "bsd-3-clause",
    "bsd-3-clause-clear", "cc0-1.0", "cc-by-2.0", "cc-by-3.0", "cc-by-4.0", "cc-by-sa-3.0",
    "cc-by-sa-4.0", "cc-by-nc-2.0", "cc-by-nc-3.0", "cc-by-nc-4.0", "cc-by-nd-4.0",
    "cc-by-nc-nd-3.0", "cc-by-nc-nd-4.0", "cc-by-nc-sa-2.0", "cc-by-nc-sa-3.0",
    "cc-by-nc-sa-4.0", "cdla-permissive-1.0", "cdla-permissive-2.0", "cdla-sharing-1.0",
    "ecl-2.0", "epl-1.0", "epl-2.0", "eupl-1.1", "eupl-1.2", "agpl-3.0", "gpl-2.0", "gpl-3.0",
    "lgpl-2.1", "lgpl-3.0", "isc", "mpl-2.0", "ms-pl", "ncsa", "odbl", "ofl-1.1", "osl-3.0",
    "pddl", "postgresql", "unlicense", "wtfpl", "zlib",
))
# fmt: on
"""Licences that hubs know by their SPDX identifiers; another is `other`, with its name."""

UNPRINTABLE = re.compile("[^\x20-\x7e\xa0-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]")
TAGS = ("onnx", "semi-supervised-learning", "deep-generative-model")


def front_matter(about: Manifest) -> str:
    """The fields between two lines of dashes.

    Args:
        about: The manifest.
    """
    lines = (f"{name}: {_value(value)}" for name, value in _fields(about) if value)
    return "\n".join(["---", *lines, "---", ""])


def _fields(about: Manifest) -> Iterator[tuple[str, Any]]:
    task = PIPELINES.get((about.input.kind, about.space.space), "")
    yield "library_name", "ssdgm-runtime"
    yield from _licence(about.license)
    yield "pipeline_tag", task
    yield "tags", [*TAGS, about.model["family"]]
    yield "datasets", [about.training["dataset"]]
    yield "model-index", _results(about, task or "other")


def _licence(stated: str | None) -> Iterator[tuple[str, str]]:
    """A licence as hubs name it."""
    known = re.sub(r"-(?:only|or-later)$", "", (stated or "").lower())
    if known in LICENCES:
        yield "license", known
    elif stated:
        yield from (("license", "other"), ("license_name", stated))


def _results(about: Manifest, task: str) -> list[Json]:
    """The scores of the test rows, else of the validation rows; nothing without any."""
    made = about.training
    part = next((part for part in ("test", "validation") if made[part]), "")
    metrics = [*_metrics(made[part], about.labels)] if part else []
    name = made["dataset"]
    result = {
        "task": {"type": task},
        "dataset": {"name": name, "type": name, "split": part},
        "metrics": [{"type": t, "value": v, "name": n} for t, n, v in metrics],
    }
    return [{"name": about.name, "results": [result]}] if metrics else []


def _metrics(score: Json, labels: tuple[str, ...]) -> Iterator[tuple[str, str, float]]:
    """What was measured that hubs have a name for: that name, ours, and a finite value."""
    for kind, name, value in _measured(score, labels):
        if value is not None and math.isfinite(value):
            yield kind, name, round(value, 6)


def _measured(score: Json, labels: tuple[str, ...]) -> Iterator[tuple[str, str, float | None]]:
    if score.get("rmse"):
        for kind, key in (("rmse", "rmse"), ("mae", "mae"), ("r_squared", "r2")):
            for label, value in zip(labels, score[key], strict=False):
                yield kind, f"{key} of {label}", value
    elif score.get("false_alarms") is not None:
        yield "roc_auc", "AUROC", score["auroc"]
        yield "average_precision", "average precision", score["average_precision"]
        yield "false_positive_rate", "false alarms", score["false_alarms"]
    elif score.get("iou"):
        known = [share for share in score["iou"] if share is not None and math.isfinite(share)]
        yield "mean_iou", "mean IoU", sum(known) / len(known) if known else None
    else:
        yield "accuracy", "share of right answers", 1 - score["error"]
        yield "f1", "micro-F1", score.get("micro_f1")
        yield "brier_score", "Brier score", score["brier"]


def _value(value: Any) -> str:  # noqa: ANN401  (anything that JSON has)
    """A value as JSON that is YAML too: only what cannot be printed is escaped."""
    text = json.dumps(value, ensure_ascii=False)
    return UNPRINTABLE.sub(lambda match: f"\\u{ord(match[0]):04x}", text)
