"""The model card: README.md of a bundle, from its manifest and reports."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

Json = Mapping[str, Any]


def card(manifest: Json, parity: Json, gates: Sequence[Json] = ()) -> str:
    """Markdown with the front matter that model hubs read.

    Args:
        manifest: The manifest's document.
        parity: The parity report.
        gates: How graphs of lower precision were judged.
    """
    ours = manifest["additional_metadata"]["ssdgm"]
    parts = (
        _front_matter(ours),
        _title(manifest["package_name"], ours),
        _results(ours["training"]),
        _graphs(ours["io"], parity),
        *([_precisions(gates)] if gates else []),
        _use(manifest["package_name"], ours),
    )
    return "\n".join(parts)


def _front_matter(ours: Json) -> str:
    lines = [
        "---",
        "library_name: ssdgm-runtime",
        *([f"license: {json.dumps(ours['license'])}"] if ours["license"] else []),
        "tags: [onnx, semi-supervised-learning, deep-generative-model]",
        f"datasets: [{json.dumps(ours['training']['dataset'])}]",
        "---",
        "",
    ]
    return "\n".join(lines)


def _title(name: str, ours: Json) -> str:
    model, made = ours["model"], ours["training"]
    paper = model["paper"]
    return (
        f"# {name}\n\n"
        f"`{model['family']}` ({paper['authors']}, {paper['year']}: [{paper['title']}]"
        f"({paper['link']})), trained with {made['labelled']} labelled and "
        f"{made['unlabelled']} unlabelled rows of `{made['dataset']}`, seed {made['seed']}, "
        f"{made['steps']} steps.\n"
    )


def _results(made: Json) -> str:
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
    extra = "extra to" if made["validation_labels_are_extra"] else "part of"
    sentence = f"The labels of the validation rows are {extra} the budget."
    return "\n".join([*lines, "", *([sentence, ""] if made["validation"] else [])])


def _graphs(io: Json, parity: Json) -> str:
    lines = ["| graph | inputs | outputs | largest difference from torch |", "|---|---|---|--:|"]
    for name, graph in io.items():
        inputs, outputs = (
            ", ".join(f"`{t['name']}` {t['dtype']} {_shape(t['shape'])}" for t in graph[key])
            for key in ("inputs", "outputs")
        )
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
        share, unit = (100, " %") if gate["measure"] == "error" else (1, "")
        measured = f"{gate['measure']} on {gate['rows']} {gate['kind']} rows"
        fp32, found = (f"{share * gate[key]:.4g}{unit}" for key in ("fp32", "found"))
        cost, sure = (100 * gate[key] for key in ("cost", "deviation"))
        lines.append(
            f"| {gate['component']} | {gate['precision']} | "
            f"{measured if gate['rows'] else 'nothing to measure it by'} | {fp32} | {found} | "
            f"{cost:+.2f} ± {sure:.2f} % | {100 * gate['allowed']:g} % | "
            f"{'yes' if gate['passed'] else '**no**'} |"
        )
    told = (
        "An error is the share of wrong rows, its cost the rise in points; a distortion is the "
        "mean squared error of reconstructions from posterior means, its cost the share by which "
        "it grows; ± is the cost's standard error. Labelled rows are those of the training."
    )
    return "\n".join([*lines, "", told, ""])


def _use(name: str, ours: Json) -> str:
    lines = [
        "```python",
        "from ssdgm_runtime import load",
        "",
        f'model = load("{name}.ssdgm")',
        "model.classify(x).names",
        *(["model.generate(y=0, n=8, seed=0).x"] if "decoder" in ours["io"] else []),
        "```",
        "",
    ]
    return "\n".join(lines)


def _shape(shape: list[int | str]) -> str:
    return f"[{', '.join(map(str, shape))}]"
