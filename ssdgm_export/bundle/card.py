"""The model card: README.md of a bundle, from its manifest and reports."""

from collections.abc import Mapping, Sequence
from typing import Any

from ssdgm_export.bundle import hub
from ssdgm_runtime.bundle.manifest import Manifest
from ssdgm_runtime.rows.tensor import Tensor
from ssdgm_train import evaluation
from ssdgm_train.portfolio import words

Json = Mapping[str, Any]


def card(
    about: Manifest,
    gates: Sequence[Json] = (),
    remarks: Sequence[str] = (),
    trials: evaluation.Trials | None = None,
) -> str:
    """Markdown with the front matter that model hubs read.

    Args:
        about: The manifest.
        gates: How graphs of lower precision were judged.
        remarks: Sentences about the baseline, where the better of it and the run ships.
        trials: What was tried before the recipe was chosen.
    """
    parts = (
        hub.front_matter(about),
        _title(about),
        _results(about.training),
        *(f"- {remark}" for remark in remarks),
        *([""] if remarks else []),
        *([_tried(trials)] if trials else []),
        _graphs(about),
        *([_precisions(gates)] if gates else []),
        _use(about),
    )
    return "\n".join(parts)


def _title(about: Manifest) -> str:
    model, made = about.model, about.training
    paper, rows = model["paper"], f"{made['labelled']} labelled rows alone"
    if made["unlabelled"]:
        rows = f"{made['labelled']} labelled and {made['unlabelled']} unlabelled rows"
    return (
        f"# {about.name}\n\n{about.description}\n\n"
        f"Version {about.version}, of {about.created[:10]}.\n\n"
        f"`{model['family']}` ({paper['authors']}, {paper['year']}: [{paper['title']}]"
        f"({paper['link']})), trained with {rows} of `{made['dataset']}`, seed {made['seed']}, "
        f"{made['steps']} steps.\n"
    )


def _results(made: Json) -> str:
    scored = [made[part] for part in ("validation", "test") if made[part]]
    if any(score.get("rmse") for score in scored):
        return "\n".join([*_of_numbers(made), "", *_held(made)])
    if any(score.get("false_alarms") is not None for score in scored):
        return "\n".join([*_of_outliers(made), "", *_held(made)])
    if any(score.get("iou") for score in scored):
        return "\n".join([*_of_masks(made), "", *_held(made)])
    lines = [
        "| rows | how many | error | -log q(y given x), nats | Brier score | calibration error |",
        "|---|--:|--:|--:|--:|--:|",
    ]
    for part in ("validation", "test"):
        score = made[part]
        if score:
            lines.append(
                f"| {part} | {score['rows']} | {100 * score['error']:.2f} % | {score['nll']:.3f} "
                f"| {score['brier']:.3f} | {score['ece']:.3f} |"
            )
    return "\n".join([*lines, "", *_held(made)])


def _of_numbers(made: Json) -> list[str]:
    """The table of scores where labels are numbers."""
    lines = [
        "| rows | how many | RMSE | mean absolute error | R² | RMSE, % of the labels' deviation "
        "| intervals off by |",
        "|---|--:|--:|--:|--:|--:|--:|",
    ]
    for part in ("validation", "test"):
        if score := made[part]:
            own = [", ".join(f"{n:.4g}" for n in score[k]) for k in ("rmse", "mae", "r2")]
            shares = [f"{100 * score[k]:.2f} %" for k in ("error", "ece")]
            lines.append(f"| {' | '.join([part, str(score['rows']), *own, *shares])} |")
    return lines


def _of_outliers(made: Json) -> list[str]:
    """The table of scores where labels say which rows are outliers."""
    lines = [
        "| rows | how many | AUROC | average precision | false alarms | outliers found |",
        "|---|--:|--:|--:|--:|--:|",
    ]
    for part in ("validation", "test"):
        if score := made[part]:
            own = [_digits(score[key]) for key in ("auroc", "average_precision")]
            shares = [_digits(score[key], 100, " %") for key in ("false_alarms", "detected")]
            lines.append(f"| {' | '.join([part, str(score['rows']), *own, *shares])} |")
    return lines


def _digits(value: float | None, factor: int = 1, unit: str = "") -> str:
    """A figure with four digits; a dash where there is none."""
    return "–" if value is None else f"{factor * value:.4g}{unit}"


def _of_masks(made: Json) -> list[str]:
    """The table of scores where labels are masks."""
    lines = [
        "| pictures | how many | IoU of each class | wrong places | Brier score "
        "| calibration error |",
        "|---|--:|--:|--:|--:|--:|",
    ]
    for part in ("validation", "test"):
        if score := made[part]:
            each = ", ".join(f"{100 * share:.1f} %" for share in score["iou"])
            lines.append(
                f"| {part} | {score['rows']} | {each} | {100 * score['error']:.2f} % "
                f"| {score['brier']:.3f} | {score['ece']:.3f} |"
            )
    return lines


def _held(made: Json) -> list[str]:
    """Whose the labels of the validation rows are."""
    extra = "extra to" if made["validation_labels_are_extra"] else "part of"
    sentence = f"The labels of the validation rows are {extra} the budget."
    return [sentence, ""] if made["validation"] else []


def _tried(trials: evaluation.Trials) -> str:
    heading, *others = words.HEADING
    lines = [
        "Recipes that were tried:",
        "",
        f"| {' | '.join((heading, *others))} |",
        f"|---|{'--:|' * len(others)}",
        *(f"| {' | '.join(line)} |" for line in words.table(trials)),
        "",
        *(f"- {text}" for text in words.sentences(trials)),
    ]
    return "\n".join([*lines, ""])


def _graphs(about: Manifest) -> str:
    parity = about.parity
    lines = ["| graph | inputs | outputs | largest difference from torch |", "|---|---|---|--:|"]
    for name, graph in about.graphs.items():
        inputs, outputs = (", ".join(map(_tensor, side)) for side in (graph.inputs, graph.outputs))
        worst = max(parity["max_abs"][name].values())
        lines.append(f"| {name} | {inputs} | {outputs} | {worst:.1e} |")
    bound = f"|a - b| <= {parity['atol']:g} + {parity['rtol']:g} |b|"
    batches = ", ".join(map(str, parity["batches"]))
    return "\n".join([*lines, "", f"Checked at batch sizes {batches}; allowed: {bound}.", ""])


def _precisions(gates: Sequence[Json]) -> str:
    lines = [
        "| graph | precision | measured | fp32 | here | cost | allowed | ships |",
        "|---|---|---|--:|--:|--:|--:|---|",
    ]
    for gate in gates:
        share, unit = (1, "") if gate["measure"] == "distortion" else (100, " %")
        measured = f"{gate['measure']} on {gate['rows']} {gate['kind']} rows"
        fp32, here = (f"{share * gate[key]:.4g}{unit}" for key in ("fp32", "found"))
        cost, sure = (100 * gate[key] for key in ("cost", "deviation"))
        lines.append(
            f"| {gate['component']} | {gate['precision']} | "
            f"{measured if gate['rows'] else 'nothing to measure it by'} | {fp32} | {here} | "
            f"{cost:+.2f} ± {sure:.2f} % | {100 * gate['allowed']:g} % | "
            f"{'yes' if gate['passed'] else '**no**'} |"
        )
    legend = (
        "An error is the share of wrong rows, its cost the rise in points; an rmse is the root "
        "mean squared error in % of the labels' deviation, its cost the rise; a distortion is the "
        "mean squared error of reconstructions from posterior means, its cost the share by which "
        "it grows; a change is the share of rows that are answered otherwise, measured where "
        f"fewer than {evaluation.ENOUGH} rows are held out; ± is the cost's standard error. Fewer "
        f"than {evaluation.ENOUGH} rows let nothing ship."
    )
    return "\n".join([*lines, "", legend, ""])


def _use(about: Manifest) -> str:
    lines = [
        "```python",
        "from ssdgm_runtime import load",
        "",
        f'model = load("{about.name}.ssdgm")',
        *_calls(about),
        *_scoring(about),
        "```",
        "",
    ]
    return "\n".join(lines)


def _calls(about: Manifest) -> list[str]:
    """What to call, for labels of this space."""
    if about.space.traits.measure == "rmse":
        answer = "model.predict(x)  # numbers; model.classify(x) has their deviations too"
        return [answer, *(["model.generate(n=8, seed=0).x"] if "decoder" in about.graphs else [])]
    if about.space.space == "one-class":
        answer = "model.classify(x).names  # normal or outlier; .rank is near 0 for strange rows"
        return [answer, "model.score(x).log_prob  # a lower bound of log p(x), in nats"]
    if about.space.space == "masks":
        made = (
            ["model.generate(y=model.predict(x), seed=0).x"] if "decoder" in about.graphs else []
        )
        return ["model.predict(x)  # masks; sides are multiples of the stride", *made]
    generated = ["model.generate(y=0, n=8, seed=0).x"] if "decoder" in about.graphs else []
    return ["model.classify(x).names", *generated]


def _scoring(about: Manifest) -> list[str]:
    if "scorer" not in about.graphs:
        return []
    return ["model.score(x).rank  # near 0 where x is unlike the validation rows"]


def _tensor(tensor: Tensor) -> str:
    return f"`{tensor.name}` {tensor.dtype} [{', '.join(map(str, tensor.shape))}]"
