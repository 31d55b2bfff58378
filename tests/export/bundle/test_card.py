"""The model card: front matter for hubs, and the figures of the reports."""

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

from ssdgm_export.bundle import card
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
    found = front_matter(card.card(about))
    assert found["library_name"] == "ssdgm-runtime"
    assert json.loads(found["datasets"]) == ["rows"]
    assert "onnx" in found["tags"].strip("[]").split(", ")
    assert "license" not in found


@pytest.mark.parametrize("name", ["a: b", 'quo"te', "x] # y", "zwölf"])
def test_any_name_and_licence_is_a_plain_string(name: str, about: Manifest) -> None:
    training = {**about.training, "dataset": name}
    found = front_matter(card.card(replace(about, license=name, training=training)))
    assert json.loads(found["license"]) == name
    assert json.loads(found["datasets"]) == [name]


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
