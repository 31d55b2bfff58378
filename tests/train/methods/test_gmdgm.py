"""GM-DGM: a bound that is torch's, a learnt p(z | y), and classes that have no label."""

import dataclasses
from pathlib import Path

import cases
import numpy as np
import pytest
import torch
from torch import distributions

import ssdgm_runtime
from ssdgm_export import convert
from ssdgm_train import begin, train
from ssdgm_train.methods import gmdgm
from ssdgm_train.probability.noise import Noise
from ssdgm_train.recipes import recipe
from ssdgm_train.settings import RecipeError

KIND = "bernoulli-uint8"


def built(**changes: object) -> gmdgm.Model:
    model = cases.built(gmdgm.METHOD, KIND, torch.float64, batch_norm=False, **changes)
    assert isinstance(model, gmdgm.Model)
    return model


def seeded() -> Noise:
    return Noise(torch.Generator().manual_seed(3))


def test_the_bound_is_that_of_torch_for_the_same_draw() -> None:
    model, batch = built(), cases.batch(KIND)
    x = model.standardise(batch.x).double()
    y = model.labels.known(batch.y, like=x).value
    posterior, prior = (distributions.Normal(*q) for q in (model.encoder(x, y), model.mixture(y)))
    logits = model.decoder(model.encoder(x, y).sample(seeded()))
    log_px = distributions.Bernoulli(logits=logits, validate_args=False).log_prob(x).sum(-1)
    kl = distributions.kl_divergence(posterior, prior).sum(-1)
    wanted = log_px - torch.tensor(cases.CLASSES).log() - kl
    torch.testing.assert_close(model.bound(x, y, seeded()), wanted)


def test_a_latent_of_the_prior_is_its_class_s_mean_plus_noise() -> None:
    model = built()
    y, eps = torch.eye(cases.CLASSES).double(), torch.randn(3, model.widths["eps_z"]).double()
    mean, scale = model.mixture(y)
    torch.testing.assert_close(model.latent(y, eps), mean + scale * eps)
    assert mean.std(0).min() > 0.1  # components differ from the first step on


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Images of three classes, two of which have labels; the test rows have all."""
    data = cases.separable(KIND, labelled=240, test=60)
    y = np.where((data.y < 2) & (np.arange(240) < 60), data.y, -1)
    path = tmp_path_factory.mktemp("rows") / "rows.npz"
    np.savez(path, x_train=data.x, y_train=y, x_test=data.x_test, y_test=data.y_test)
    return path


def plan(name: str, extra: int) -> recipe.Recipe:
    settings = cases.settings(name, **cases.SMALL)
    changes = [f"data.extra_classes={extra}", "train.steps=400", "train.learning_rate=1e-2"]
    changes += ["run.baseline=0", *settings]
    changes += ["regularise.balance=10", "model.network=mlp"] if name == "gmdgm" else []
    return recipe.load(None, name, changes)


def test_rows_of_a_class_without_labels_find_a_component(rows: Path, tmp_path: Path) -> None:
    session = begin(str(rows), plan("gmdgm", 1), tmp_path / "run", seed=2)
    assert session.data.others == (2,)
    for _ in train(session):
        pass
    result = session.run.result
    assert result is not None
    assert result.test is not None
    assert result.test.error < 0.1
    bundle = convert(tmp_path / "run", tmp_path / "b.ssdgm")
    with ssdgm_runtime.load(bundle.path) as model:
        assert model.labels == ("0", "1", "unlabelled 1")
        answer = model.classify(session.data.x_test)
        third = np.array(answer.names)[session.data.y_test == 2]
        assert (third == "unlabelled 1").mean() > 0.9
        drawn = model.generate("unlabelled 1", 100, seed=0)
        names = np.array(model.classify(drawn.as_input()).names)
        assert (names == "unlabelled 1").mean() > 0.6  # a third, if the label did not matter
        assert model.reconstruct(session.data.x_test[:4]).shape == (4, 3, 3)


def test_rows_without_any_label_are_grouped(rows: Path, tmp_path: Path) -> None:
    arrays = dict(np.load(rows))
    arrays["y_train"][:] = -1
    np.savez(tmp_path / "none.npz", **arrays)
    session = begin(str(tmp_path / "none.npz"), plan("gmdgm", 3), tmp_path / "run", seed=1)
    for _ in train(session):
        pass
    result = session.run.result
    assert result is not None
    assert result.test is not None
    assert result.test.error < 0.4
    assert result.validation is None


def test_a_method_that_cannot_find_classes_says_so(rows: Path, tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="m2 cannot find classes that have no label"):
        begin(str(rows), plan("m2", 1), tmp_path / "run")


def test_a_run_without_any_label_becomes_a_bundle(tmp_path: Path) -> None:
    data = cases.separable(KIND, labelled=120, test=30)
    path = tmp_path / "rows.npz"
    np.savez(path, x=data.x, y=np.full(120, -1), x_test=data.x_test, y_test=data.y_test)
    chosen = plan("gmdgm", 4)
    shorter = dataclasses.replace(chosen, train=dataclasses.replace(chosen.train, steps=20))
    for _ in train(begin(str(path), shorter, tmp_path / "run", seed=2)):
        pass
    assert data.x_test is not None
    convert(tmp_path / "run", tmp_path / "model.ssdgm")
    with ssdgm_runtime.load(tmp_path / "model.ssdgm") as model:
        answers = model.classify(data.x_test)
    assert len(answers.labels) == 30
    assert {*answers.names} <= {f"unlabelled {i}" for i in range(1, 5)}
