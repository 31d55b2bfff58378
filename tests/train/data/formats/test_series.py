"""Series of unequal length and files of the UCR archive, from files to what networks see."""

from pathlib import Path
from typing import Any

import cases
import noises
import numpy as np
import pytest
import torch

from ssdgm_runtime import errors
from ssdgm_runtime.rows.views import lengths
from ssdgm_train import METHODS, method, problems
from ssdgm_train import data as sources
from ssdgm_train.augmentation import choice
from ssdgm_train.data import dataset, statement
from ssdgm_train.data.settings import DataPlan

RNG = np.random.default_rng(0)
SERIES = [RNG.standard_normal((2, n)) + 3 * (i % 2) for i, n in enumerate((5, 9, 7, 9, 4, 6) * 5)]
X, Y = lengths.stacked(SERIES), np.arange(30) % 2
DATA = dataset.make("series", X, Y)
PROBLEM = statement.problem(DATA, cases.everything(DATA), DataPlan())


def test_series_with_ends_are_windows_of_unequal_length() -> None:
    assert (DATA.kind, DATA.shortest, DATA.shape) == (problems.WINDOWS, 4, (2, 9))
    assert PROBLEM.padded
    assert not dataset.make("a", np.nan_to_num(X), Y).shortest


def test_test_series_of_another_length_are_padded_alike() -> None:
    data = dataset.make("a", X[:, :, :4], Y, X[:4], Y[:4])
    assert data.shape == (2, 9)
    assert data.x_test is not None
    assert data.x_test.shape == (4, 2, 9)
    np.testing.assert_array_equal(lengths.ends(data.x), 4)


def test_nan_before_an_end_is_refused() -> None:
    odd = X.copy()
    odd[3, 0, 1] = np.nan
    text = cases.message(errors.DataError, lambda: dataset.make("a", odd, Y))
    assert "NaN or infinity" in text


def test_the_density_is_that_of_the_moments_that_there_are() -> None:
    model = built()
    seen = model.standardise(torch.from_numpy(X))
    raw = torch.randn(len(X), model.likelihood.outputs)
    whole = model.likelihood.log_prob(seen, raw)
    other = seen.clone()
    there = seen[:, -9:]
    other[:, :-9] += 5 * (1 - there).repeat(1, 2)  # what comes after an end
    torch.testing.assert_close(model.likelihood.log_prob(other, raw), whole)
    assert torch.equal(there.sum(1), torch.from_numpy(lengths.ends(X)).float())


def built(name: str = "m2") -> Any:  # noqa: ANN401
    torch.manual_seed(0)
    spec = METHODS[name]
    return spec.build(spec.fitted(cases.config(spec), PROBLEM), PROBLEM).eval()


@pytest.mark.parametrize("name", ["m2", "supervised", "m1", "ladder"])
def test_every_method_takes_them(name: str) -> None:
    model = built(name)
    x = torch.from_numpy(X)
    if model.conditional("classifier"):
        assert torch.isfinite(model.answer("classifier", x=x)["raw"]).all()
    spec = METHODS[name]
    config = getattr(model, "config", spec.fitted(cases.config(spec), PROBLEM))
    phase = spec.phases(config, cases.context().sizes)[0]
    batch = method.Batch(x[:6], torch.from_numpy(Y[:6]), x[6:12])
    for term in phase.players[0].loss(model.train(), batch, cases.context()).values():
        assert torch.isfinite(term).all()


def test_augmented_series_end_once() -> None:
    seen = built().standardise(torch.from_numpy(X))
    changed = choice.augmentation_for(PROBLEM)(seen, choice.STRONG, noises.seeded(0))
    values, there = changed[:, :-9].reshape(-1, 2, 9), changed[:, -9:]
    assert set(there.unique().tolist()) <= {0.0, 1.0}
    assert (there.diff(dim=1) <= 0).all()
    assert (there[:, 0] == 1).all()
    assert (values * (1 - there)[:, None] == 0).all()


@pytest.mark.parametrize("words", [("1", "2"), ("walk", "run")])
def test_files_of_the_archive_are_read(tmp_path: Path, words: tuple[str, str]) -> None:
    head = "@problemName a\n@classLabel true\n@data\n"
    for part, rows in (("TRAIN", slice(20)), ("TEST", slice(20, 30))):
        lines = [
            ":".join([*(",".join(map(repr, c.tolist())) for c in one), words[k]])
            for one, k in zip(SERIES[rows], Y[rows].tolist(), strict=True)
        ]
        (tmp_path / f"A_{part}.ts").write_text(head + "\n".join(lines) + "\n")
    for place in (tmp_path, tmp_path / "A_TRAIN.ts"):
        data = sources.load(str(place))
        assert sorted(map(str, data.classes)) == sorted(words)
        np.testing.assert_array_equal(data.x, X[:20])
        np.testing.assert_array_equal(data.x_test, X[20:])
        assert data.shortest == 4
    (tmp_path / "B_TRAIN.ts").write_text(head)
    assert "A_TRAIN.ts" in cases.message(errors.DataError, lambda: sources.load(str(tmp_path)))
