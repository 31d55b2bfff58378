"""A run that starts from another: what each method takes over, and what it refuses."""

import itertools
import json
import shutil
from pathlib import Path

import cases
import faults
import numpy as np
import pytest
import torch
from torch import nn

import ssdgm_train
from ssdgm_runtime.errors import DataError, DataNotFound
from ssdgm_train.models import autoencoder
from ssdgm_train.runs import directory, loading, pretrained, records
from ssdgm_train.runs.directory import Run, RunError
from ssdgm_train.runs.session import Session
from ssdgm_train.settings import RecipeError

DONORS = ("m1", "m1m2", "m2", "supervised")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with data and finished runs of every method, with two hidden layers."""
    folder = tmp_path_factory.mktemp("donors")
    source = cases.saved(folder / "set.npz", cases.IMAGES)
    for name in DONORS:
        plan = cases.small_recipe(name, *cases.settings(name, hidden="[7, 5]"))
        session = ssdgm_train.begin(source, plan, folder / name, labelled=12, device="cpu")
        list(ssdgm_train.train(session))
    return folder


def begin(place: Path, out: Path, name: str, donor: str, *changes: str) -> Session:
    return ssdgm_train.begin(
        str(place / "set.npz"),
        cases.small_recipe(name, *changes),
        out,
        labelled=12,
        seed=0 if name == donor == "m2" else 8,
        device="cpu",
        init_from=place / donor,
    )


def model(run: Path) -> nn.Module:
    return loading.load_model(Run(run))


def same(found: nn.Module, wanted: nn.Module) -> bool:
    one, other = found.state_dict(), wanted.state_dict()
    return one.keys() == other.keys() and all(torch.equal(one[k], other[k]) for k in one)


@pytest.mark.parametrize("donor", ["m1", "m1m2"])
@pytest.mark.parametrize("name", ["m1", "m1m2"])
def test_the_autoencoder_is_taken_over_and_its_phase_is_done(
    name: str, donor: str, place: Path, tmp_path: Path
) -> None:
    session = begin(place, tmp_path / "run", name, donor)
    assert same(session.model.features, model(place / donor).features)
    assert session.recipe.model.features.hidden == (7, 5)
    assert [s.phase.name for s in session.stages] == ["head" if name == "m1" else "joint"]
    found = list(ssdgm_train.train(session))
    assert len(found) == 12
    assert all(p.phase != "features" for p in found)
    kept = model(place / donor).features.parameters()
    after = model(tmp_path / "run").features.parameters()
    assert all(torch.equal(*pair) for pair in zip(after, kept, strict=True))


def test_what_measures_the_latents_stays_the_recipe_s(place: Path, tmp_path: Path) -> None:
    session = begin(place, tmp_path / "run", "m1m2", "m1", "model.features.threshold=0.001")
    assert session.recipe.model.features.threshold == 0.001


@pytest.mark.parametrize("donor", ["m1", "m1m2"])
@pytest.mark.parametrize("name", ["m2", "supervised"])
def test_a_classifier_starts_from_the_hidden_layers_of_the_encoder(
    name: str, donor: str, place: Path, tmp_path: Path
) -> None:
    session = begin(place, tmp_path / "run", name, donor)
    encoder, classifier = model(place / donor).features.encoder, session.model.classifier
    assert classifier.hidden == (7, 5)
    assert classifier.activation == "softplus"
    found, wanted = classifier.hidden_state(), encoder.hidden_state()
    assert found.keys() == wanted.keys()
    assert all(torch.equal(found[k], wanted[k]) for k in found)
    assert [s.phase.name for s in session.stages] == ["joint"]
    assert len(list(ssdgm_train.train(session))) == 12


def test_an_m2_is_taken_over_whole_and_trained_as_the_recipe_says(
    place: Path, tmp_path: Path
) -> None:
    session = begin(place, tmp_path / "run", "m2", "m2", "model.alpha=7.0")
    assert same(session.model, model(place / "m2"))
    assert session.recipe.model.hidden == (7, 5)
    assert session.recipe.model.alpha == 7.0
    assert [s.phase.name for s in session.stages] == ["joint"]
    assert len(list(ssdgm_train.train(session))) == 12


def test_labels_that_an_m2_has_learnt_from_have_to_be_of_the_budget(
    place: Path, tmp_path: Path
) -> None:
    plan, source = cases.small_recipe("m2"), str(place / "set.npz")

    def other(out: Path, labelled: int, seed: int) -> Session:
        return ssdgm_train.begin(source, plan, out, labelled, seed, "cpu", init_from=place / "m2")

    text = cases.message(RunError, lambda: other(tmp_path / "a", 12, 8))
    assert "m2 has learnt from 12 labels that are not all of this run's" in text
    assert "Give --labels 12 and give --seed 0, as it had." in text
    assert not (tmp_path / "a").exists()
    assert len(other(tmp_path / "b", 12, 0).split.labelled) == 12


def test_a_run_that_has_lost_the_weights_it_began_with_does_not_go_on(
    place: Path, tmp_path: Path
) -> None:
    session = begin(place, tmp_path / "run", "m1m2", "m1")
    shutil.rmtree(session.run.path / "checkpoints")
    text = cases.message(RunError, lambda: ssdgm_train.resume(tmp_path / "run"))
    assert "has lost its checkpoints" in text


def test_the_run_says_where_it_started_from(place: Path, tmp_path: Path) -> None:
    session = begin(place, tmp_path / "run", "m1m2", "m1")
    found = session.run.read().init
    weights = model(place / "m1").features.state_dict()
    digest = pretrained._digest({f"features.{k}": v for k, v in weights.items()})
    assert found == records.Origin(
        source=str(place / "m1"),
        sha256=digest,
        done=("features",),
        settings={"model.features.hidden": [7, 5]},
    )
    other = begin(place, tmp_path / "other", "m2", "m1").run.read().init
    assert other.done == ()
    assert other.sha256 != digest
    assert Run(place / "m1").read().init is None


def test_the_rows_that_the_donor_held_out_stay_held_out(place: Path, tmp_path: Path) -> None:
    """It has seen all the others, so that they can validate nothing."""
    session = begin(place, tmp_path / "run", "m1m2", "m1")
    held = Run(place / "m1").split().validation
    assert session.seed != Run(place / "m1").read().seed
    np.testing.assert_array_equal(session.split.validation, held)
    assert not set(held) & {*session.split.labelled, *session.split.unlabelled}
    alone = ssdgm_train.begin(
        str(place / "set.npz"), cases.small_recipe("m1m2"), tmp_path / "alone", 12, 8, "cpu"
    )
    assert alone.split.validation.tolist() != held.tolist()


def test_on_other_data_validation_rows_are_drawn_anew_and_rows_scaled_as_before(
    tmp_path: Path,
) -> None:
    first = cases.saved(tmp_path / "first.npz", cases.separable("gaussian-float32", 60))
    other = cases.saved(tmp_path / "other.npz", cases.separable("gaussian-float32", 60, seed=9))
    donor = ssdgm_train.begin(first, cases.small_recipe("m1"), tmp_path / "donor", device="cpu")
    list(ssdgm_train.train(donor))
    session = ssdgm_train.begin(
        other,
        cases.small_recipe("m1m2"),
        tmp_path / "run",
        seed=8,
        device="cpu",
        init_from=tmp_path / "donor",
    )
    assert session.split.validation.tolist() != donor.split.validation.tolist()
    stated = session.run.read().problem
    theirs = donor.run.read().problem
    assert (stated.shift, stated.scale) == (theirs.shift, theirs.scale)
    assert torch.equal(session.model.features.standardise.shift, torch.tensor(theirs.shift))


@pytest.mark.parametrize(
    ("name", "donor"),
    [("m2", "supervised"), ("m1", "m2"), ("m1m2", "supervised"), ("supervised", "m2")],
)
def test_a_model_of_which_nothing_can_be_used_is_refused(
    name: str, donor: str, place: Path, tmp_path: Path
) -> None:
    text = cases.message(RecipeError, lambda: begin(place, tmp_path / "run", name, donor))
    assert f"{name} cannot start from the model in {place / donor}" in text
    assert "Give another --init-from" in text
    assert list(tmp_path.iterdir()) == []


def _donor(folder: Path, name: str, kind: str, *changes: str, classes: int = 3) -> Path:
    data = cases.separable(kind, 60)
    arrays = {"x": data.x[data.y < classes], "y": data.y[data.y < classes]}
    np.savez(folder / "theirs.npz", **arrays)
    plan = cases.small_recipe(name, *changes)
    list(
        ssdgm_train.train(
            ssdgm_train.begin(str(folder / "theirs.npz"), plan, folder / "donor", device="cpu")
        )
    )
    return folder / "donor"


@pytest.mark.parametrize(
    ("kind", "changes", "text"),
    [
        ("gaussian-uint8", (), "The shape of the rows of"),
        ("bernoulli-float32", (), "is float32; expected uint8, as the data's is"),
        (
            "bernoulli-uint8",
            ("data.likelihood=gaussian",),
            "is gaussian; expected bernoulli, as the data's is",
        ),
    ],
)
def test_a_model_of_other_rows_is_refused(
    kind: str, changes: tuple[str, ...], text: str, place: Path, tmp_path: Path
) -> None:
    donor = _donor(tmp_path, "m1", kind, *changes)
    found = cases.message(RunError, lambda: begin(place, tmp_path / "run", "m1m2", str(donor)))
    assert text in found
    assert str(donor) in found
    assert not (tmp_path / "run").exists()


def test_a_model_of_smaller_counts_is_refused(tmp_path: Path) -> None:
    donor = _donor(tmp_path, "m1", "binomial-uint8")
    theirs = Run(donor).read().problem.total
    data = cases.separable("binomial-uint8", 60)
    more = np.where(data.x == data.x.max(), theirs + 3, data.x).astype(np.uint8)
    np.savez(tmp_path / "more.npz", x=more, y=data.y)
    text = cases.message(
        RunError,
        lambda: ssdgm_train.begin(
            str(tmp_path / "more.npz"),
            cases.small_recipe("m1"),
            tmp_path / "run",
            device="cpu",
            init_from=donor,
        ),
    )
    assert f"counts up to {theirs}, the data's up to {theirs + 3}. Start from" in text


def test_a_model_of_other_classes_is_refused_where_its_classifier_is_taken_over(
    place: Path, tmp_path: Path
) -> None:
    donor = _donor(tmp_path, "m2", "bernoulli-uint8", classes=2)
    text = cases.message(RunError, lambda: begin(place, tmp_path / "run", "m2", str(donor)))
    assert f"The weights of {donor} do not fit" in text
    assert "Start from a run on rows with as many classes." in text
    assert not (tmp_path / "run").exists()


def test_weights_of_other_networks_are_refused_by_name() -> None:
    """Hidden layers for a classifier that is none of layers, as that of points."""
    text = cases.message(
        RunError,
        lambda: pretrained.fill(
            nn.Linear(2, 1), {"hidden.weight": torch.ones(1)}, pretrained.Source(Path("donor"))
        ),
    )
    assert "The run donor has weights 'hidden.weight', which this model's networks lack" in text


def test_the_features_of_other_classes_are_features_all_the_same(
    place: Path, tmp_path: Path
) -> None:
    donor = _donor(tmp_path, "m1", "bernoulli-uint8", classes=2)
    session = begin(place, tmp_path / "run", "m1", str(donor))
    assert same(session.model.features, model(donor).features)


def test_a_run_that_has_not_ended_is_refused(place: Path, tmp_path: Path) -> None:
    early = ssdgm_train.begin(
        str(place / "set.npz"), cases.small_recipe("m1"), tmp_path / "early", 12, device="cpu"
    )
    list(itertools.islice(ssdgm_train.train(early), 11))
    text = cases.message(
        RunError, lambda: begin(place, tmp_path / "run", "m1m2", str(tmp_path / "early"))
    )
    assert f"{tmp_path / 'early'} has not ended. Continue with: " in text
    assert "--resume" in text


def test_a_run_that_has_learnt_its_features_serves_before_its_end(
    place: Path, tmp_path: Path
) -> None:
    early = ssdgm_train.begin(
        str(place / "set.npz"),
        cases.small_recipe("m1", "run.select=best"),
        tmp_path / "early",
        12,
        device="cpu",
    )
    list(itertools.islice(ssdgm_train.train(early), 15))
    session = begin(place, tmp_path / "run", "m1m2", str(tmp_path / "early"))
    assert [stage.phase.name for stage in session.stages] == ["joint"]
    kept, after = early.model.features.parameters(), session.model.features.parameters()
    assert all(torch.equal(*pair) for pair in zip(after, kept, strict=True))


def test_features_that_say_nothing_are_refused_before_a_run_is_made(
    place: Path, tmp_path: Path
) -> None:
    text = cases.message(
        autoencoder.Collapsed,
        lambda: begin(place, tmp_path / "run", "m1m2", "m1", "model.features.threshold=1e6"),
    )
    assert "model.features.threshold" in text
    assert not (tmp_path / "run").exists()


def test_what_is_neither_a_run_nor_a_file_is_refused(place: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    for donor, error in (("none", RunError), ("empty", RunError), ("none.npz", DataNotFound)):
        where = str(tmp_path / donor)
        assert where in cases.message(error, lambda w=where: begin(place, tmp_path / "r", "m1", w))
    np.savez(tmp_path / "rows.npz", x=np.zeros(3))
    text = cases.message(
        DataError, lambda: begin(place, tmp_path / "r", "m1", str(tmp_path / "rows.npz"))
    )
    assert "does not hold the weights of an M1 or M2" in text
    assert not (tmp_path / "r").exists()


@pytest.mark.parametrize(("name", "donor"), [("m1m2", "m1"), ("m2", "m2"), ("m2", "m1")])
@pytest.mark.parametrize("stop", [0, 2, 6])
def test_a_run_goes_on_to_the_same_bits_though_the_donor_is_gone(
    name: str, donor: str, stop: int, place: Path, tmp_path: Path
) -> None:
    """Stopped before its first own checkpoint, too."""
    shutil.copytree(place / donor, tmp_path / donor)
    shutil.copy(place / "set.npz", tmp_path)
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    list(ssdgm_train.train(begin(tmp_path, whole, name, donor)))
    list(itertools.islice(ssdgm_train.train(begin(tmp_path, broken, name, donor)), stop))
    shutil.rmtree(tmp_path / donor)
    list(ssdgm_train.train(ssdgm_train.resume(broken)))
    assert cases.outcome(broken) == cases.outcome(whole)


def test_a_run_killed_while_it_begins_is_not_there_or_is_whole(
    place: Path, tmp_path: Path
) -> None:
    """Whatever is left has the donor's weights, and not those of the seed."""
    wanted = {
        k: v.clone()
        for k, v in begin(place, tmp_path / "whole", "m2", "m2").model.state_dict().items()
    }
    (tmp_path / "a").mkdir()
    touches = faults.every(tmp_path / "a", lambda: begin(place, tmp_path / "a/run", "m2", "m2"))
    left = 0
    for fatal in touches:
        root = tmp_path / f"killed-{fatal}"
        root.mkdir()
        faults.struck(root, fatal, "killed", lambda r=root: begin(place, r / "run", "m2", "m2"))
        if (root / "run").exists():
            left += 1
            kept = ssdgm_train.resume(root / "run").model.state_dict()
            assert all(torch.equal(kept[k], v) for k, v in wanted.items()), f"killed at {fatal}"
    assert 0 < left < len(touches)


def test_the_document_of_a_run_from_before_there_was_an_origin_is_read(
    place: Path, tmp_path: Path
) -> None:
    shutil.copytree(place / "m2", tmp_path / "old")
    found = json.loads((tmp_path / "old/run.json").read_text())
    del found["init"]
    directory.write_json(tmp_path / "old/run.json", found)
    session = ssdgm_train.resume(tmp_path / "old", source=str(place / "set.npz"))
    assert list(ssdgm_train.train(session)) == []
