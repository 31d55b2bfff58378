"""The model card: front matter for hubs, and the figures of the reports."""

import copy
import json
import re
from pathlib import Path
from typing import Any

import pytest

from ssdgm_export.bundle import card

Json = dict[str, Any]


@pytest.fixture
def reports(m2: Path) -> tuple[Json, Json]:
    """The bundle's manifest and parity report."""
    place = m2 / "bundle.ssdgm"
    return tuple(
        json.loads((place / n).read_text()) for n in ("manifest.json", "reports/parity.json")
    )


def front_matter(text: str) -> dict[str, str]:
    head, *_ = text.removeprefix("---\n").split("---\n")
    assert text.startswith("---\n")
    return dict(line.split(": ", 1) for line in head.splitlines())


def test_the_front_matter_is_what_hubs_read(reports: tuple[Json, Json]) -> None:
    manifest, parity = reports
    found = front_matter(card.card(manifest, parity))
    assert found["library_name"] == "ssdgm-runtime"
    assert json.loads(found["datasets"]) == ["rows"]
    assert "onnx" in found["tags"].strip("[]").split(", ")
    assert "license" not in found


@pytest.mark.parametrize("name", ["a: b", 'quo"te', "x] # y", "zwölf"])
def test_any_name_and_licence_is_a_plain_string(name: str, reports: tuple[Json, Json]) -> None:
    manifest, parity = copy.deepcopy(reports)
    manifest["additional_metadata"]["ssdgm"]["license"] = name
    manifest["additional_metadata"]["ssdgm"]["training"]["dataset"] = name
    found = front_matter(card.card(manifest, parity))
    assert json.loads(found["license"]) == name
    assert json.loads(found["datasets"]) == [name]


def test_the_figures_are_those_of_the_reports(m2: Path, reports: tuple[Json, Json]) -> None:
    manifest, parity = reports
    text = (m2 / "bundle.ssdgm/README.md").read_text()
    assert text == card.card(manifest, parity)
    training = manifest["additional_metadata"]["ssdgm"]["training"]
    for part in ("validation", "test"):
        score = training[part]
        row = (
            rf"\| {part} \| {score['rows']} \| {100 * score['error']:.2f} % "
            rf"\| {score['nll']:.3f} \| {score['brier']:.3f} \| {score['ece']:.3f} \|"
        )
        assert re.search(row, text), row
    for graph, outputs in parity["max_abs"].items():
        row = rf"\| {graph} \|.*\| {re.escape(f'{max(outputs.values()):.1e}')} \|"
        assert re.search(row, text), row
    assert f"{training['labelled']} labelled" in text
    assert f"{training['unlabelled']} unlabelled" in text
    assert "part of the budget" in text


def test_nothing_is_said_of_validation_labels_where_there_are_none(
    reports: tuple[Json, Json],
) -> None:
    manifest, parity = copy.deepcopy(reports)
    manifest["additional_metadata"]["ssdgm"]["training"]["validation"] = None
    assert "labels of the validation rows" not in card.card(manifest, parity)


def test_a_score_that_was_not_taken_is_left_out(reports: tuple[Json, Json]) -> None:
    manifest, parity = copy.deepcopy(reports)
    manifest["additional_metadata"]["ssdgm"]["training"]["test"] = None
    text = card.card(manifest, parity)
    assert "| validation |" in text
    assert "| test |" not in text


def test_the_lines_of_code_on_it_offer_what_the_bundle_has(m2: Path, baseline: Path) -> None:
    assert "model.generate" in (m2 / "bundle.ssdgm/README.md").read_text()
    assert "model.generate" not in (baseline / "bundle.ssdgm/README.md").read_text()
