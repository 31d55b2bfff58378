"""Series of unequal length from a run to a bundle: padding changes no answer."""

from pathlib import Path

import cases
import exported
import numpy as np
import pytest
import torch

import ssdgm_export
import ssdgm_train
from ssdgm_runtime import errors, load
from ssdgm_runtime.bundle import manifest
from ssdgm_runtime.console import commands
from ssdgm_runtime.rows.views import lengths
from ssdgm_train.runs import directory, loading

RNG = np.random.default_rng(0)
LENGTHS = RNG.integers(4, 13, 90)
LENGTHS[:2] = 4, 12
SERIES = [
    (np.sin(np.arange(n) * (1 + i % 3) / 2) + 0.1 * RNG.standard_normal((2, n))).astype(np.float32)
    for i, n in enumerate(LENGTHS)
]
TESTS = SERIES[70:]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a run on series, and its bundle."""

    def make(folder: Path) -> None:
        x, y = lengths.stacked(SERIES), np.arange(90) % 3
        parts = {"x": x[:70], "y": y[:70], "x_test": x[70:], "y_test": y[70:]}
        np.savez(folder / "rows.npz", **parts)
        plan = cases.small_recipe("m2", "train.steps=30", "data.validation=20")
        source = str(folder / "rows.npz")
        session = ssdgm_train.begin(source, plan, folder / "run", seed=1, device="cpu")
        for _ in ssdgm_train.train(session):
            pass
        ssdgm_export.convert(folder / "run", folder / "bundle.ssdgm", score=True)

    return exported.once(tmp_path_factory, "series_m2", make)


def test_a_series_is_answered_alike_alone_in_company_and_padded(place: Path) -> None:
    with load(place / "bundle.ssdgm") as bundle:
        together = bundle.classify(TESTS).probs
        padded = bundle.classify(lengths.stacked(TESTS, 12)).probs
        alone = np.concatenate([bundle.classify(one[None]).probs for one in TESTS])
        pieces = [p.probs for p in bundle.classify_iter(lengths.stacked(TESTS), batch_size=7)]
        scores = bundle.score(TESTS).score
        singly = [bundle.score(one[None]).score[0] for one in TESTS]
    np.testing.assert_array_equal(together, padded)
    np.testing.assert_allclose(alone, together, atol=1e-6)
    np.testing.assert_allclose(np.concatenate(pieces), together, atol=1e-6)
    np.testing.assert_allclose(singly, scores, rtol=1e-5)


def test_the_device_answers_as_torch_does(place: Path) -> None:
    run = directory.Run(place / "run")
    model, x = loading.load_model(run).eval(), lengths.stacked(TESTS, 12)
    with torch.inference_mode():
        raw = model.answer("classifier", x=torch.from_numpy(x))["raw"]
    wanted = (raw / directory.ended(run).temperature).softmax(-1)
    with load(place / "bundle.ssdgm") as bundle:
        np.testing.assert_allclose(bundle.classify(TESTS).probs, wanted, atol=1e-5)
        assert bundle.reconstruct(TESTS).shape == (20, 2, 12)
        assert bundle.verify().passed


def test_the_manifest_says_the_lengths_and_golden_rows_have_ends(place: Path) -> None:
    about = manifest.loads((place / "bundle.ssdgm/manifest.json").read_bytes())
    assert about.lengths == (lengths.Lengths(2, 4, 12),)
    golden = np.load(place / "bundle.ssdgm/golden/classifier/x.npy")
    ends = lengths.ends(golden)
    assert ends.min() >= 4
    assert len({*ends.tolist()}) > 3


def test_files_of_series_are_read_and_others_refused(place: Path, tmp_path: Path) -> None:
    lines = [":".join(",".join(map(repr, c.tolist())) for c in one) for one in TESTS]
    (tmp_path / "a.ts").write_text("@classLabel false\n@data\n" + "\n".join(lines) + "\n")
    found = commands.classify(place / "bundle.ssdgm", tmp_path / "a.ts", tmp_path / "a.csv")
    assert found["rows"] == 20
    np.save(tmp_path / "a.npy", lengths.stacked(TESTS))
    again = commands.classify(place / "bundle.ssdgm", tmp_path / "a.npy")
    assert again["counts"] == found["counts"]
    np.save(tmp_path / "long.npy", np.zeros((2, 2, 13), np.float32))
    with pytest.raises(errors.InputError, match="x is 13 moments long; expected 1 to 12 moments"):
        commands.classify(place / "bundle.ssdgm", tmp_path / "long.npy")
