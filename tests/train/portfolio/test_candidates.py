"""Which recipes are tried for which rows and labels."""

from pathlib import Path

import cases
import numpy as np
import pytest

from ssdgm_train.data import dataset
from ssdgm_train.portfolio import candidates, search
from ssdgm_train.runs import session

FLAT = ("m2", "m2-graph", "m2-consistent", "baseline")


def begun(place: Path, data: dataset.Dataset, *changes: str) -> session.Session:
    save = cases.tabled if data.columns else cases.saved
    source = save(place / ("rows.csv" if data.columns else "rows.npz"), data)
    small = ("model.hidden=[8]", "model.latent=2", *changes)
    return search.begin(source, search.asked(small), place / "run", 1.0, device="cpu")


@pytest.mark.parametrize(
    ("kind", "names"),
    [
        ("gaussian-float32", FLAT),
        ("columns-float32", FLAT),
        ("windows-float32", ("m2", "m2-kernels", "m2-plain", "baseline")),
        ("bernoulli-uint8", ("m2", "m2-plain", "baseline")),
    ],
)
def test_rows_of_each_kind_have_theirs(kind: str, names: tuple[str, ...], tmp_path: Path) -> None:
    every = candidates.of(begun(tmp_path, cases.separable(kind, 30, 30)))
    assert tuple(one.name for one in every) == names


def test_the_weight_of_a_regulariser_is_a_share_of_that_of_labels(tmp_path: Path) -> None:
    changes = ("model.weighting=balanced", "model.alpha=2", "data.validation=0")
    run = begun(tmp_path, cases.separable(labelled=30, blank=30), *changes)
    plain, graph, consistent, _ = (one.plan.regularise for one in candidates.of(run))
    assert plain == run.recipe.regularise
    assert (consistent.consistency, consistent.augmented, consistent.taught) == (0.8, 0.8, 0)
    assert (consistent.threshold, consistent.average) == (0.8, 0.995)
    assert (graph.taught, graph.teachers) == (pytest.approx(4 / 6), ("graph",))
    assert graph.consistency == 0


def test_the_baseline_has_the_recipes_encoder_and_decoder(tmp_path: Path) -> None:
    run = begun(tmp_path, cases.separable("bernoulli-uint8", 30, 30), "train.learning_rate=0.1")
    own, *_, baseline = (one.plan for one in candidates.of(run))
    assert (baseline.method, baseline.regularise.weights) == ("baseline", {})
    assert (baseline.model.hidden, baseline.model.latent) == ((8,), 2)
    assert (baseline.train, baseline.data) == (own.train, own.data)
    assert candidates.with_peers(baseline, 3, 6.0) == baseline


def test_peers_join_the_teachers(tmp_path: Path) -> None:
    run = begun(tmp_path, cases.separable(labelled=30, blank=30))
    plain, graph, *_ = (one.plan for one in candidates.of(run))
    assert candidates.with_peers(plain, 1, 6.0) == plain
    alone, joined = (candidates.with_peers(one, 3, 6.0).regularise for one in (plain, graph))
    assert (alone.taught, alone.teachers, alone.peers) == (1.0, ("peers",), 3)
    assert (joined.taught, joined.teachers) == (graph.regularise.taught, ("graph", "peers"))


def images(*shape: int) -> dataset.Dataset:
    """Sixty images, half of them with a label."""
    y = np.where(np.arange(60) < 30, np.arange(60) % cases.CLASSES, -1)
    x = np.random.default_rng(0).integers(0, 255, (60, *shape)).astype(np.uint8)
    return dataset.make("a", x, y)


@pytest.mark.parametrize(("side", "channels"), [(12, candidates.SMALL), (20, candidates.LARGE)])
def test_images_get_convolutions_of_their_size(
    side: int, channels: tuple[int, ...], tmp_path: Path
) -> None:
    nothing = ("model.pooled=[]", "regularise.consistency=0", "regularise.augmented=0")
    run = begun(tmp_path, images(side, side), *nothing)
    every = {one.name: one.plan for one in candidates.of(run)}
    assert every["m2-consistent"].model.pooled == channels


def test_images_in_colour_learn_from_their_patches(tmp_path: Path) -> None:
    run = begun(tmp_path, images(8, 8, 3))
    every = {one.name: one.plan for one in candidates.of(run)}
    assert [*every] == ["m2", "m2-mirrored", "m2-plain", "baseline"]
    assert [one.regularise.mirror for one in every.values()] == [False, True, False, False]
    teachers = [one.regularise.teachers for one in every.values() if one.regularise.taught]
    assert teachers == [("features",), ("features",)]


def test_windows_may_have_random_kernels(tmp_path: Path) -> None:
    run = begun(tmp_path, cases.separable("windows-float32", 30, 30))
    own, kernels, *_ = (one.plan for one in candidates.of(run))
    assert (own.model.kernels, kernels.model.kernels) == (0, candidates.KERNELS)
    assert (kernels.model.pooled, kernels.regularise.teachers) == ((), ("features",))
    assert kernels.regularise.consistency == own.regularise.consistency


def test_what_a_user_set_stays(tmp_path: Path) -> None:
    changes = ("model.pooled=[4]", "regularise.threshold=0.5", "regularise.augmented=7")
    run = begun(tmp_path, cases.separable("bernoulli-uint8", 30, 30), *changes)
    own, plain, _ = candidates.of(run)
    assert own.plan.model.pooled == plain.plan.model.pooled == (4,)
    assert own.plan.regularise.threshold == 0.5
    assert own.plan.regularise.augmented == 7


def test_tags_and_extra_classes_have_one(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((40, 5)).astype(np.float32), rng.integers(0, 2, (40, 3))
    made = {
        "tags": (dataset.make("tags", x, y), (), "m2"),
        "extra": (cases.separable(labelled=30, blank=9), ("data.extra_classes=1",), "gmdgm"),
    }
    for name, (data, changes, method) in made.items():
        (tmp_path / name).mkdir()
        few = () if name == "extra" else ("model.hidden=[8]",)
        source = cases.saved(tmp_path / name / "rows.npz", data)
        asked = search.asked((*few, *changes))
        run = search.begin(source, asked, tmp_path / name / "run", 1.0, device="cpu")
        assert [one.name for one in candidates.of(run)] == [method]
