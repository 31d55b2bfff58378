"""Phases of a run: what they measure, what their batches hold, and what validation records."""

import itertools
from pathlib import Path

import cases
import numpy as np
import pytest
import torch

import ssdgm_train
from ssdgm_train.models import autoencoder
from ssdgm_train.runs import fitting, metrics
from ssdgm_train.runs.session import Session

STEPS = {"features": 8, "joint": 4, "head": 4}


def begin(source: str, out: Path, name: str = "m1m2", *changes: str) -> Session:
    plan = cases.small_recipe(name, "phases.features.steps=8", *changes)
    return ssdgm_train.begin(source, plan, out, labelled=12, seed=3, device="cpu")


def test_every_phase_has_its_own_steps_and_batches(source: str, tmp_path: Path) -> None:
    session = begin(source, tmp_path / "run", "m1", "phases.features.unlabelled_batch=9")
    found = list(ssdgm_train.train(session))
    assert [p.phase for p in found] == ["features"] * 8 + ["head"] * 12
    assert {p.steps for p in found} == {20}
    sizes = [s.plan.unlabelled_batch for s in session.stages]
    assert sizes == [9, 6]


def test_a_phase_that_does_not_train_the_classifier_is_not_scored(
    source: str, tmp_path: Path
) -> None:
    """Nor do its weights compete to be the best."""
    session = begin(source, tmp_path / "run", "m1m2", "run.select=best")
    found = list(ssdgm_train.train(session))
    assert [p.step for p in found if p.validation] == [12, 16, 20]
    records = metrics.read(session.run.path)
    assert [r.phase for r in records] == ["features"] * 2 + ["joint"] * 3
    assert [bool(r.validation) for r in records] == [False] * 2 + [True] * 3
    assert [r.terms.keys() for r in records] == [r.validation_terms.keys() for r in records]
    assert records[0].terms.keys() == {"features"}
    assert session.run.best is not None
    assert int(session.run.best.name.split("-")[1]) > 8


def test_batches_of_the_joint_phase_are_posteriors_of_the_rows(
    source: str, tmp_path: Path
) -> None:
    session = begin(source, tmp_path / "run")
    features, joint = session.stages
    serve = fitting._server(session)
    raw, batch = (serve(stage, session.model)(3) for stage in (features, joint))
    assert raw.x.shape == (6, 3, 3)
    assert raw.x.dtype == torch.uint8
    assert batch.x.shape == batch.u.shape == (6, 2, 2)
    again = session.model.features.posteriors(raw.x)
    torch.testing.assert_close(batch.x, again)
    torch.testing.assert_close(batch.u, session.model.features.posteriors(raw.u))
    assert torch.equal(batch.y, raw.y)
    assert not batch.x.requires_grad


def test_latents_are_measured_on_training_rows_and_on_no_others(
    source: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    session, seen = begin(source, tmp_path / "run"), []
    monkeypatch.setattr(autoencoder.VAE, "measure", lambda _, rows: seen.append(rows))
    fitting._server(session)(session.stages[1], session.model)
    parts = session.split
    training = np.sort(np.concatenate([parts.labelled, parts.unlabelled]))
    assert len(training) == 54
    np.testing.assert_array_equal(seen[0].numpy(), cases.IMAGES.x[training])


def test_rows_held_out_do_not_change_what_is_kept(source: str, tmp_path: Path) -> None:
    changes = ("model.features.network=mlp", "model.features.threshold=0.05")
    session = begin(source, tmp_path / "run", "m1m2", *changes)
    serve, held = fitting._server(session), session.split.validation
    serve(session.stages[1], session.model)
    kept = session.model.features.kept.clone()
    session.data.x[held] = 255 - session.data.x[held]
    fitting._server(session)(session.stages[1], session.model)
    assert torch.equal(session.model.features.kept, kept)


@pytest.mark.parametrize("name", ["m1", "m1m2"])
def test_a_run_of_two_phases_interrupted_anywhere_ends_with_the_same_bits(
    name: str, source: str, tmp_path: Path
) -> None:
    """Inside either phase, and where they meet."""
    whole = tmp_path / "whole"
    list(ssdgm_train.train(begin(source, whole, name)))
    for stop in (6, 8, 14):
        out = tmp_path / f"stopped-{stop}"
        list(itertools.islice(ssdgm_train.train(begin(source, out, name)), stop))
        list(ssdgm_train.train(ssdgm_train.resume(out)))
        assert cases.outcome(out) == cases.outcome(whole), f"stopped after {stop} steps"


def test_an_autoencoder_that_carries_nothing_ends_the_run_with_an_error_that_says_so(
    source: str, tmp_path: Path
) -> None:
    session = begin(source, tmp_path / "run", "m1", "model.features.threshold=90")
    text = cases.message(autoencoder.Collapsed, lambda: list(ssdgm_train.train(session)))
    assert "not above 90" in text
    assert session.run.latest is not None
    assert session.run.latest.name == "step-00000008"


@pytest.mark.parametrize("name", ["m1", "m1m2"])
def test_polishing_is_a_phase_of_its_own(name: str, source: str, tmp_path: Path) -> None:
    polish = "model.features.polish=true"
    session = begin(source, tmp_path / "run", name, polish, "phases.polish.steps=3")
    found = list(ssdgm_train.train(session))
    assert [p.phase for p in found[:11]] == ["features"] * 8 + ["polish"] * 3
    records = {r.phase: r.terms for r in metrics.read(session.run.path)}
    assert records["polish"].keys() == {"polish"}


def test_a_run_may_polish_what_another_has_trained(source: str, tmp_path: Path) -> None:
    list(ssdgm_train.train(begin(source, tmp_path / "plain", "m1")))
    polish = ("model.features.polish=true", "phases.polish.steps=3")

    def phases(name: str, donor: Path, out: Path, *changes: str) -> list[str]:
        plan = cases.small_recipe(name, *changes)
        session = ssdgm_train.begin(
            source, plan, out, labelled=12, seed=3, device="cpu", init_from=donor
        )
        list(ssdgm_train.train(session))
        return [stage.phase.name for stage in session.stages]

    assert phases("m1", tmp_path / "plain", tmp_path / "a", *polish) == ["polish", "head"]
    assert phases("m1m2", tmp_path / "a", tmp_path / "b", *polish) == ["joint"]
    assert phases("m1m2", tmp_path / "a", tmp_path / "c") == ["joint"]
