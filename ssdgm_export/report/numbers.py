"""What was measured, in words: a table of scores, and sentences for the rest."""

from collections.abc import Iterator

from ssdgm_export.report.material import Material
from ssdgm_train import evaluation
from ssdgm_train.evaluation import calibration
from ssdgm_train.runs import baseline, records

PARTS = {"validation": "validation", "test": "test", "unlabelled": "unlabelled training"}
"""The scores of `result.json`, and the rows that each is of."""

COLUMNS = {
    "rows": ("how many", 1, ".0f"),
    "error": ("error, %", 100, ".2f"),
    "nll": ("−log q(y | x), nats", 1, ".3f"),
    "brier": ("Brier", 1, ".3f"),
    "ece": ("ECE, %", 100, ".1f"),
    "micro_f1": ("micro-F1", 1, ".3f"),
    "macro_f1": ("macro-F1", 1, ".3f"),
    "iou": ("IoU of each class, %", 100, ".1f"),
}
"""What a score holds: a heading, a factor and a format; a column that no score has is left out."""

OF_NUMBERS = {
    "rows": ("how many", 1, ".0f"),
    "rmse": ("RMSE", 1, ".4g"),
    "mae": ("mean absolute error", 1, ".4g"),
    "r2": ("R²", 1, ".3f"),
    "error": ("RMSE, % of the labels' deviation", 100, ".2f"),
    "nll": ("−log q(y | x), nats", 1, ".3f"),
    "brier": ("CRPS, % of the labels' deviation", 100, ".2f"),
    "ece": ("intervals off by, %", 100, ".1f"),
}
"""The same of labels that are numbers."""

OF_OUTLIERS = {
    "rows": ("how many", 1, ".0f"),
    "auroc": ("AUROC", 1, ".4f"),
    "average_precision": ("average precision", 1, ".4f"),
    "false_alarms": ("false alarms, %", 100, ".1f"),
    "detected": ("outliers found, %", 100, ".1f"),
    "error": ("on the wrong side of the threshold, %", 100, ".2f"),
    "nll": ("mean score of normal rows, nats", 1, ".3f"),
}
"""The same of normal rows and outliers."""

SEEN = {"rows": "as they are", "bits": "as bits drawn from them"}
"""What `evaluation.json` has the evidence of."""


def table(material: Material) -> list[list[str]]:
    """A heading, then a line for each part that was scored."""
    all_parts = {name: getattr(material.result, key) for key, name in PARTS.items()}
    scores = {name: score for name, score in all_parts.items() if score}
    every = scores.values()
    known = OF_NUMBERS if any(score.rmse is not None for score in every) else COLUMNS
    known = OF_OUTLIERS if any(score.outlying for score in every) else known
    keys = [key for key in known if not every or any(getattr(s, key) is not None for s in every)]
    lines = [
        [name, *(_cell(score, *known[key], key) for key in keys)] for name, score in scores.items()
    ]
    return [["rows", *(known[key][0] for key in keys)], *lines]


def facts(material: Material) -> list[str]:
    """A sentence for each further thing that was measured."""
    return [
        *_unlabelled(material.result),
        *_calibration(material.result),
        *_latents(material.result),
        *_evidence(material.evaluation),
        *baseline.remarks(material.result.baseline),
    ]


def _cell(score: evaluation.Score, heading: str, factor: int, form: str, key: str) -> str:
    value = getattr(score, key)
    if value is None:
        return "–"
    several = value if isinstance(value, tuple) else (value,)
    return ", ".join(format(factor * each, form) for each in several)


def _unlabelled(result: records.Result) -> Iterator[str]:
    if result.unlabelled:
        yield "Labels of unlabelled training rows, where known, are used in this table only."


def _calibration(result: records.Result) -> Iterator[str]:
    before = result.uncalibrated.validation
    if result.temperature == 1.0:
        return
    if before is None or before.rows < calibration.FEWEST:
        yield (
            f"Logits are divided by {result.temperature:.2f}, at which the labelled rows that "
            "folds held out were likeliest."
        )
        return
    if before.rmse is not None:
        yield (
            f"Deviations are multiplied by {result.temperature:.2f}, which was fitted on the "
            f"validation rows: their NLL was {before.nll:.3f} nats without it."
        )
        return
    yield (
        f"Logits are divided by {result.temperature:.2f}, which was fitted on the validation "
        f"rows: their NLL was {before.nll:.3f} nats without it."
    )


def _latents(result: records.Result) -> Iterator[str]:
    latents, vote = result.latents, result.neighbours
    if latents:
        kept = f", on {len(latents.kept)} features that are kept" if latents.kept else ""
        yield f"{len(latents.active)} of {latents.size} latents are active{kept}."
    if vote:
        yield (
            f"A vote of the {vote.k} nearest of {vote.rows} labelled rows, by their "
            f"latents, errs on {100 * vote.error:.2f} %."
        )


def _evidence(measured: records.Evaluation | None) -> Iterator[str]:
    if measured is None:
        return
    for name, words in SEEN.items():
        if value := getattr(measured.evidence, name):
            yield (
                f"log p(x) of {measured.rows} {measured.part} rows, {words}, at least: "
                f"{value.importance:.2f} ± {value.standard_error:.2f} nats with "
                f"{measured.samples} draws, {value.bound:.2f} with one."
            )
    if posterior := measured.labels.posterior:
        yield (
            f"Labels by p(y | x), of the same draws: {posterior.words}, NLL "
            f"{posterior.nll:.3f} nats."
        )
