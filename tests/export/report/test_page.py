"""The report of a run: one page that holds everything itself, with what a method can show."""

import base64
import dataclasses
import html.parser
import io
import re
import shutil
from pathlib import Path

import cases
import exported
import numpy as np
import pytest
from matplotlib import image

import ssdgm_train
from ssdgm_export import report
from ssdgm_export.report import curves, generation, material, numbers
from ssdgm_runtime import model
from ssdgm_runtime.pictures import latent
from ssdgm_train import METHODS
from ssdgm_train.data import dataset
from ssdgm_train.labels import Classes
from ssdgm_train.model import DECODER
from ssdgm_train.runs import directory, records

ALWAYS = {"curves", "confusion", "reliability"}
EXAMPLES = {"uncertain", "mistaken"}
CHANGES = {"m1m2": ("model.features.threshold=0",)}
"""Settings without which a small run of a method drops every latent of its first part."""


class Reader(html.parser.HTMLParser):
    """What a browser would make of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {name: value or "" for name, value in attrs}))

    def handle_data(self, data: str) -> None:
        self.text += data

    @property
    def images(self) -> list[dict[str, str]]:
        return [given for tag, given in self.tags if tag == "img"]


def read(run: Path) -> Reader:
    return Reader((run / report.PAGE).read_text(encoding="utf-8"))


def plates(run: Path) -> set[str]:
    return {path.stem for path in (run / report.FIGURES).iterdir()}


def reported(factory: pytest.TempPathFactory, name: str) -> Path:
    """A small run of a method on images, with its report; nobody changes it."""

    def make(place: Path) -> None:
        report.write(exported.train(place, name, changes=CHANGES.get(name, ())))

    return exported.once(factory, f"reported-{name}", make) / "run"


@pytest.fixture(params=list(cases.METHODS))
def run(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return reported(tmp_path_factory, request.param)


@pytest.fixture
def copy(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A reported run of m2 to change."""
    return shutil.copytree(reported(tmp_path_factory, "m2"), tmp_path / "copy")


def trained(place: Path, data: dataset.Dataset, *changes: str, name: str = "rows.npz") -> Path:
    """A run of m2 on a data set whose labels are the classes' own values."""
    arrays = {"x": data.x, "y": np.array(data.classes)[data.y]}
    if data.x_test is not None:
        arrays |= {"x_test": data.x_test, "y_test": np.array(data.classes)[data.y_test]}
    np.savez(place / name, **arrays)
    plan = cases.small_recipe("m2", *changes)
    session = ssdgm_train.begin(str(place / name), plan, place / "run", device="cpu")
    for _ in ssdgm_train.train(session):
        pass
    return place / "run"


def images(test: int = 9) -> dataset.Dataset:
    return cases.separable("bernoulli-uint8", 30, test=test)


def test_a_page_needs_nothing_but_itself(run: Path) -> None:
    found, text = read(run), (run / report.PAGE).read_text(encoding="utf-8")
    links = [given[key] for _, given in found.tags for key in ("src", "href") if key in given]
    (paper,) = [link for link in links if not link.startswith("data:image/png;base64,")]
    assert paper == METHODS[directory.Run(run).read().plan.method].paper.link
    assert not {"script", "link", "iframe"} & {tag for tag, _ in found.tags}
    assert str(run.parent) not in text
    assert not re.search(r"20\d\d-\d\d-\d\d", text), "a date"


def test_every_image_is_a_png_file_that_lies_beside_the_page(run: Path) -> None:
    files = [path.read_bytes() for path in sorted((run / report.FIGURES).iterdir())]
    shown = [base64.b64decode(given["src"].partition(",")[2]) for given in read(run).images]
    assert sorted(shown) == sorted(files)
    for content in files:
        pixels = image.imread(io.BytesIO(content), format="png")
        assert min(pixels.shape[:2]) > 50
        assert pixels.std() > 0
        assert b"Software" not in content
    assert all(given["alt"] for given in read(run).images)


def offered(name: str) -> set[str]:
    """The pictures of a method's generative half, by what it declares."""
    given = {each.name: each.given for each in METHODS[name].build.conditionals}
    if DECODER not in given or not METHODS[name].knows(Classes):
        return set()
    by_class = {"styles", "analogies"} if "y" in given[DECODER] else {"samples", "reconstructions"}
    return {"walk", *by_class}


def test_a_method_gets_the_pictures_that_it_can_offer(run: Path) -> None:
    name = directory.Run(run).read().plan.method
    always = ALWAYS if METHODS[name].knows(Classes) else {"curves", "roc", "scores"}
    assert plates(run) - EXAMPLES == always | offered(name)
    assert "uncertain" in plates(run)


def test_columns_get_histograms_and_no_pictures(tmp_path: Path) -> None:
    made = trained(tmp_path, cases.separable(labelled=30, test=9))
    assert report.write(made) == made / "report.html"
    assert plates(made) == ALWAYS | {"columns"}


@pytest.mark.parametrize(("latent", "walks"), [(1, False), (3, True)])
def test_a_walk_takes_two_latents_or_the_plane_of_most_variance(
    latent: int, walks: bool, tmp_path: Path
) -> None:
    made = trained(tmp_path, images(), f"model.latent={latent}")
    drawn = {plate.name: plate for plate in generation.of(material.gather(made, None))}
    assert drawn.keys() == {"styles", "analogies", *(["walk"] if walks else [])}
    if walks:
        assert "posterior means of 27 training rows" in drawn["walk"].caption


def test_the_pictures_are_those_of_the_bundle(m2: Path) -> None:
    found = material.gather(m2 / "run", None)
    with model.load(m2 / "bundle.ssdgm", provider="cpu") as opened:
        rows = found.held.x[:3]
        pairs = (
            (latent.styles(found.parts, 4, 7), latent.styles(opened.conditionals, 4, 7)),
            (latent.analogies(found.parts, rows), latent.analogies(opened.conditionals, rows)),
            (latent.walk(found.parts, 3), latent.walk(opened.conditionals, 3)),
        )
        for one, other in pairs:
            np.testing.assert_allclose(one.x, other.x, rtol=1e-3, atol=1e-2)
        probs = opened.classify(found.held.x).probs
    np.testing.assert_allclose(found.held.outputs["probs"], probs, atol=1e-4)


def contents(run: Path) -> dict[str, bytes]:
    files = [run / report.PAGE, *(run / report.FIGURES).iterdir()]
    return {path.name: path.read_bytes() for path in files}


def test_the_same_run_gives_the_same_bytes_in_another_place(copy: Path, tmp_path: Path) -> None:
    before = contents(copy)
    moved = copy.rename(tmp_path / "moved")
    (moved / report.FIGURES / "stale.png").touch()
    report.write(moved)
    assert contents(moved) == before


HOSTILE = ("<script>1</script>", r"$\frac$", "a\n\tb" + "c" * 200)


def test_hostile_names_are_text(tmp_path: Path) -> None:
    data = dataclasses.replace(images(), classes=HOSTILE)
    made = trained(tmp_path, data, name="<img src=x>.npz")
    report.write(made)
    found = read(made)
    assert "script" not in {tag for tag, _ in found.tags}
    assert len(found.images) == len(plates(made))
    assert "m2 on <img src=x>" in found.text
    assert r"$\frac$" in found.text
    assert "a b" + "c" * 10 + "…" in found.text


def test_the_figures_on_it_are_those_of_the_result(copy: Path) -> None:
    result, text = directory.ended(directory.Run(copy)), read(copy).text
    heading, *lines = numbers.table(material.gather(copy, None))
    assert [line[0] for line in lines] == ["validation", "test"]
    test = dict(zip(heading, lines[1], strict=True))
    assert test["error, %"] == f"{100 * result.test.error:.2f}"
    assert test["how many"] == "12"
    for line in lines:
        assert all(cell in text for cell in line)
    assert "54 labelled and 30 unlabelled rows of rows in 3 classes (0, 1, 2), seed 1" in text
    assert "part of the budget of labels" in text
    assert "[model]\n" in text
    assert f"{len(result.latents.active)} of 2 latents are active" in text
    assert "ssdgm-export train rows.npz --recipe recipe.toml --seed 1 --device cpu" in text


SCORE = {"rows": 12, "error": 0.25, "nll": 0.5, "brier": 0.125, "ece": 0.0625}
MORE = {
    "part": "test",
    "rows": 12,
    "samples": 50,
    "evidence": {
        "rows": {"bound": -7.5, "importance": -7.25, "standard_error": 0.125},
        "bits": None,
    },
    "labels": {"classifier": SCORE, "posterior": SCORE},
}

COMPARED = dict(rows=12, error=0.25, baseline=0.5, difference=0.25, low=0.05, high=0.5)


def test_what_was_measured_later_is_told_too(copy: Path) -> None:
    changed = records.plain(directory.ended(directory.Run(copy))) | {
        "temperature": 2.0,
        "uncalibrated": {
            "validation": {**SCORE, "rows": 120, "nll": 0.75},
            "test": None,
            "unlabelled": None,
        },
        "latents": {"size": 5, "active": [1, 2], "kept": [0, 1, 2]},
        "neighbours": {"k": 5, "rows": 54, "error": 0.125},
        "unlabelled": {**SCORE, "rows": 30, "error": 0.5, "nll": 1.0},
        "baseline": {"method": "supervised", "steps": 9, "validation": None, "test": COMPARED},
    }
    directory.write_json(copy / "result.json", changed)
    directory.write_json(copy / "evaluation.json", MORE)
    found = material.gather(copy, None)
    assert numbers.facts(found) == [
        "Labels of unlabelled training rows, where known, are used in this table only.",
        "Logits are divided by 2.00, which was fitted on the validation rows: their NLL was 0.750 "
        "nats without it.",
        "2 of 5 latents are active, on 3 features that are kept.",
        "A vote of the 5 nearest of 54 labelled rows, by their latents, errs on 12.50 %.",
        "log p(x) of 12 test rows, as they are, at least: -7.25 ± 0.12 nats with 50 draws, -7.50 "
        "with one.",
        "Labels by p(y | x), of the same draws: error 25.00 %, NLL 0.500 nats.",
        "Beside the baseline, on test rows: error 50.00 % on the labels alone by the supervised "
        "network, 25.00 % with the unlabelled rows too: 25.00 points less error than the baseline "
        "(95 % interval 5.00 less to 50.00 less, 12 rows); too few rows to say "
        "whether the unlabelled rows helped.",
    ]
    *_, last = numbers.table(found)
    assert last[:4] == ["unlabelled training", "30", "50.00", "1.000"]


def test_a_temperature_that_folds_said_is_told(copy: Path) -> None:
    few = {"temperature": 2.0, "uncalibrated": dict.fromkeys(("validation", "test", "unlabelled"))}
    changed = records.plain(directory.ended(directory.Run(copy))) | few
    directory.write_json(copy / "result.json", changed)
    told = numbers.facts(material.gather(copy, None))
    assert "Logits are divided by 2.00, at which the labelled rows that folds held out" in told[0]


@pytest.mark.parametrize(
    ("test", "validation", "kind", "count"),
    [(9, 0.1, "test", 9), (0, 0.1, "validation", 3), (0, 0.001, "labelled training", 30)],
)
def test_held_out_rows_are_shown_if_there_are_any(
    test: int, validation: float, kind: str, count: int, tmp_path: Path
) -> None:
    made = trained(tmp_path, images(test), f"data.validation={validation}")
    held = material.gather(made, None).held
    probs = held.outputs["probs"]
    assert (held.kind, len(held.x), len(held.y), len(probs)) == (kind, count, count, count)
    np.testing.assert_allclose(probs.sum(1), 1, rtol=1e-5)


def test_a_run_without_records_has_no_curves(copy: Path) -> None:
    (copy / "metrics.jsonl").unlink()
    assert curves.of(material.gather(copy, None)) == []


def test_phases_are_told(tmp_path_factory: pytest.TempPathFactory) -> None:
    found = material.gather(reported(tmp_path_factory, "m1"), None)
    (plate,) = curves.of(found)
    assert "Phases: features, then head." in plate.caption
    assert "features, hinge, hat, balance, validation error" in plate.alt


def test_a_run_that_has_not_ended_is_refused(copy: Path) -> None:
    (copy / "result.json").unlink()
    before = contents(copy)
    with pytest.raises(directory.RunError, match=r"has not ended\. Continue with") as told:
        report.write(copy)
    assert "ssdgm-export train --resume" in told.value.mend
    assert contents(copy) == before
