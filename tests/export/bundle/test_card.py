"""The model card: front matter for hubs, and the figures of the reports."""

import json
import math
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ssdgm_export.bundle import card, hub
from ssdgm_runtime.bundle import manifest
from ssdgm_runtime.bundle.manifest import Manifest


@pytest.fixture
def about(m2: Path) -> Manifest:
    """The bundle's manifest."""
    return manifest.loads((m2 / "bundle.ssdgm/manifest.json").read_text())


def front_matter(text: str) -> dict[str, str]:
    head, *_ = text.removeprefix("---\n").split("---\n")
    assert text.startswith("---\n")
    return dict(line.split(": ", 1) for line in head.splitlines())


def test_the_front_matter_is_what_hubs_read(about: Manifest) -> None:
    given = front_matter(card.card(about))
    assert json.loads(given["library_name"]) == "ssdgm-runtime"
    assert json.loads(given["datasets"]) == ["rows"]
    assert json.loads(given["tags"])[0] == "onnx"
    assert json.loads(given["tags"])[-1] == "m2"
    assert "license" not in given
    assert json.loads(given["pipeline_tag"]) == "image-classification"


def read_by_a_hub(text: str) -> Any:  # noqa: ANN401  (from an optional package)
    """The card's data as Hugging Face's own library reads them."""
    library = pytest.importorskip("huggingface_hub")
    return library.ModelCard(text).data


def test_a_hub_s_own_library_reads_the_figures(about: Manifest) -> None:
    data = read_by_a_hub(card.card(replace(about, license="Apache-2.0")))
    fields = data.to_dict()
    assert (fields["license"], fields["library_name"]) == ("apache-2.0", "ssdgm-runtime")
    assert data.pipeline_tag == "image-classification"
    assert data.datasets == ["rows"]
    assert data.model_name == about.name
    score = about.training["test"]
    figures = {one.metric_type: one for one in data.eval_results}
    assert figures["accuracy"].metric_value == pytest.approx(1 - score["error"], abs=1e-6)
    assert figures["brier_score"].metric_value == pytest.approx(score["brier"], abs=1e-6)
    assert {one.dataset_split for one in data.eval_results} == {"test"}
    assert {one.task_type for one in data.eval_results} == {"image-classification"}
    assert "model-index" in data.to_yaml()


SCORES = {
    "numbers": ({"rmse": [2.0, 3.0], "mae": [1.0, math.nan], "r2": [0.5, 0.25]}, "rmse", 2.0, 5),
    "outliers": (
        {"false_alarms": 0.05, "auroc": 0.9, "average_precision": None},
        "roc_auc",
        0.9,
        2,
    ),
    "masks": ({"iou": [0.5, 0.75, math.nan]}, "mean_iou", 0.625, 1),
    "tags": ({"error": 0.25, "micro_f1": 0.5, "brier": 0.1}, "f1", 0.5, 3),
}


@pytest.mark.parametrize("name", list(SCORES))
def test_figures_of_other_labels_have_the_hubs_names(name: str, about: Manifest) -> None:
    score, kind, value, count = SCORES[name]
    training = {**about.training, "test": None, "validation": score}
    data = read_by_a_hub("\n".join((hub.front_matter(replace(about, training=training)), "# x")))
    first = next(one for one in data.eval_results if one.metric_type == kind)
    assert (first.metric_value, first.dataset_split) == (value, "validation")
    assert len(data.eval_results) == count


def test_without_a_score_there_are_no_results(about: Manifest) -> None:
    training = {**about.training, "test": None, "validation": None}
    assert "model-index" not in front_matter(hub.front_matter(replace(about, training=training)))


@pytest.mark.parametrize(
    ("stated", "licence", "name"),
    [
        ("MIT", "mit", None),
        ("GPL-3.0-or-later", "gpl-3.0", None),
        ("MIT OR Apache-2.0", "other", "MIT OR Apache-2.0"),
        ("ours: ask", "other", "ours: ask"),
    ],
)
def test_a_licence_has_the_hubs_name(
    stated: str, licence: str, name: str | None, about: Manifest
) -> None:
    data = read_by_a_hub(card.card(replace(about, license=stated)))
    assert (data.license, data.license_name) == (licence, name)


@pytest.mark.parametrize("name", ["a: b", 'quo"te', "x] # y", "zwölf"])
def test_any_name_and_licence_is_a_plain_string(name: str, about: Manifest) -> None:
    training = {**about.training, "dataset": name}
    given = front_matter(card.card(replace(about, license=name, training=training)))
    assert json.loads(given["license_name"]) == name
    assert json.loads(given["datasets"]) == [name]


@pytest.mark.parametrize("name", ["yes", "a\x7fb", "\N{GRINNING FACE}", "\x85", "1.0", "a: [b"])
def test_a_hub_reads_any_name_as_it_is(name: str, about: Manifest) -> None:
    training = {**about.training, "dataset": name}
    data = read_by_a_hub(card.card(replace(about, license=name, training=training)))
    assert (data.license_name, data.datasets) == (name, [name])


def test_the_figures_are_those_of_the_reports(m2: Path, about: Manifest) -> None:
    text = (m2 / "bundle.ssdgm/README.md").read_text()
    assert text == card.card(about)
    training = about.training
    for part in ("validation", "test"):
        score = training[part]
        row = (
            rf"\| {part} \| {score['rows']} \| {100 * score['error']:.2f} % "
            rf"\| {score['nll']:.3f} \| {score['brier']:.3f} \| {score['ece']:.3f} \|"
        )
        assert re.search(row, text), row
    for graph, outputs in about.parity["max_abs"].items():
        row = rf"\| {graph} \|.*\| {re.escape(f'{max(outputs.values()):.1e}')} \|"
        assert re.search(row, text), row
    assert f"{training['labelled']} labelled" in text
    assert f"{training['unlabelled']} unlabelled" in text
    assert "part of the budget" in text


@pytest.mark.parametrize(
    ("part", "gone"), [("validation", "labels of the validation rows"), ("test", "| test |")]
)
def test_a_score_that_was_not_taken_is_left_out(about: Manifest, part: str, gone: str) -> None:
    assert gone in card.card(about)
    text = card.card(replace(about, training={**about.training, part: None}))
    assert gone not in text
    assert f"| {'test' if part == 'validation' else 'validation'} |" in text


def test_the_lines_of_code_on_it_offer_what_the_bundle_has(m2: Path, baseline: Path) -> None:
    assert "model.generate" in (m2 / "bundle.ssdgm/README.md").read_text()
    assert "model.generate" not in (baseline / "bundle.ssdgm/README.md").read_text()
