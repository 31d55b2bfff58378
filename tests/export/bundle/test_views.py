"""Rows with views from a run to a bundle and through the runtime, views missing here and there."""

import json
from pathlib import Path
from typing import Any

import cases
import exported
import numpy as np
import pytest
import torch

import ssdgm_export
import ssdgm_train
from ssdgm_export.proof import allowance
from ssdgm_runtime import errors, load
from ssdgm_runtime.bundle import manifest
from ssdgm_runtime.console import commands
from ssdgm_train.runs import directory, loading

DATA = cases.several(120, 30, 24)
LEFT, RIGHT = DATA.views


def saved(place: Path) -> str:
    """The data set as a file of arrays."""
    arrays: dict[str, Any] = {}
    assert DATA.x_test is not None
    for part, x in (("x", DATA.x), ("x_test", DATA.x_test)):
        arrays[f"{part}.left"] = x[:, :6]
        there = ~np.isnan(x[:, 6])
        arrays[f"{part}.right"] = np.where(there[:, None], x[:, 6:], 0).astype(np.uint8)
        arrays[f"{part}.right"] = arrays[f"{part}.right"].reshape(-1, *RIGHT.shape)
        arrays[f"present{part.removeprefix('x')}.right"] = there
    np.savez(place, y=DATA.y, y_test=DATA.y_test, **arrays)
    return str(place)


@pytest.fixture(scope="module", params=["product", "mixture"])
def place(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a run and its bundle."""

    def make(folder: Path) -> None:
        how = f'model.experts="{request.param}"'
        plan = cases.small_recipe("views", how, "train.steps=40", "data.validation=40")
        session = ssdgm_train.begin(
            saved(folder / "rows.npz"), plan, folder / "run", seed=1, device="cpu"
        )
        for _ in ssdgm_train.train(session):
            pass
        ssdgm_export.convert(
            folder / "run",
            folder / "bundle.ssdgm",
            score=request.param == "product",
            fuse=request.param == "mixture",
            precision="fp32,int8" if request.param == "product" else "fp32",
            limits=allowance.Limits(1.0, 1.0),
        )

    return exported.once(tmp_path_factory, f"views_{request.param}", make)


def rows() -> dict[str, Any]:
    """The test rows by their views, lists with None where one is missing."""
    assert DATA.x_test is not None
    x = DATA.x_test
    right = x[:, 6:].reshape(-1, *RIGHT.shape)
    return {
        "left": [None if np.isnan(row[0]) else row[:6] for row in x],
        "right": [None if np.isnan(row[0, 0]) else row.astype(np.uint8) for row in right],
    }


def test_the_manifest_lists_the_views(place: Path) -> None:
    about = manifest.loads((place / "bundle.ssdgm/manifest.json").read_bytes())
    assert [(v.name, v.shape, v.dtype, v.kind) for v in about.views] == [
        ("left", (6,), "float32", "rows"),
        ("right", (3, 3), "uint8", "image"),
    ]
    assert about.likelihood is not None
    assert [(name, each.name) for name, each in about.likelihood.views] == [
        ("left", "gaussian"),
        ("right", "bernoulli"),
    ]
    inputs = {t.name: (t.dtype, t.row) for t in about.graphs["classifier"].inputs}
    assert inputs == {"x.left": ("float32", (6,)), "x.right": ("float32", (3, 3))}


def test_the_device_answers_as_torch_does_whatever_is_missing(place: Path) -> None:
    model = loading.load_model(directory.Run(place / "run")).eval()
    assert DATA.x_test is not None
    for lacking in (slice(0, 0), slice(0, 6), slice(6, None)):
        x = DATA.x_test.copy()
        x[:, lacking] = np.nan
        x = x[~np.isnan(x).all(1)]
        with torch.inference_mode():
            raw = model.answer("classifier", x=torch.from_numpy(x))["raw"]
        with load(place / "bundle.ssdgm", variant="fp32") as bundle:
            answer = bundle.classify(x)
        temperature = json.loads((place / "run/result.json").read_text())["temperature"]
        wanted = (raw / temperature).softmax(-1).numpy()
        np.testing.assert_allclose(answer.probs, wanted, atol=1e-5)


def test_the_bundle_verifies_and_its_golden_rows_lack_views(place: Path) -> None:
    left = np.load(place / "bundle.ssdgm/golden/classifier/x.left.npy")
    right = np.load(place / "bundle.ssdgm/golden/classifier/x.right.npy")
    lacks = np.isnan(left[:, 0]), np.isnan(right[:, 0, 0])
    assert 0 < lacks[0].sum() < len(left)
    assert 0 < lacks[1].sum() < len(left)
    assert not (lacks[0] & lacks[1]).any()
    with load(place / "bundle.ssdgm") as bundle:  # int8, where there is one
        assert bundle.verify().passed


def test_rows_are_answered_alike_however_they_are_given(place: Path) -> None:
    given = rows()
    with load(place / "bundle.ssdgm", variant="fp32") as bundle:
        whole = bundle.classify(DATA.x_test).probs
        by_view = bundle.classify(given)
        np.testing.assert_allclose(by_view.probs, whole, atol=1e-6)
        singly = [
            dict(zip(given, pair, strict=True)) for pair in zip(*given.values(), strict=True)
        ]
        np.testing.assert_allclose(bundle.classify(singly).probs, whole, atol=1e-6)
        pieces = bundle.classify_iter(given, batch_size=5)
        np.testing.assert_allclose(np.concatenate([p.probs for p in pieces]), whole, atol=1e-6)
        pieces = bundle.classify_iter(iter(singly), batch_size=5)
        np.testing.assert_allclose(np.concatenate([p.probs for p in pieces]), whole, atol=1e-6)
        with bundle.batcher() as batcher:
            one = batcher.submit(singly[0]).result()
        np.testing.assert_allclose(one.probs, whole[:1], atol=1e-6)
        only = bundle.classify({"left": [r for r in given["left"] if r is not None]})
        assert len(only) == sum(r is not None for r in given["left"])


def test_a_missing_view_is_generated_from_the_others_and_a_label(place: Path) -> None:
    given = [row for row in rows()["left"] if row is not None][:4]
    with load(place / "bundle.ssdgm", variant="fp32") as bundle:
        made = bundle.reconstruct({"left": given, "right": None}, y=2)
        assert {name: x.shape for name, x in made.items()} == {"left": (4, 6), "right": (4, 3, 3)}
        assert (made["right"] >= 0).all()
        assert (made["right"] <= 255).all()
        other = bundle.reconstruct({"left": given}, y=0)
        assert np.abs(made["right"] - other["right"]).max() > 1
        assert bundle.encode({"left": given}).mean.shape == (4, 2)


@pytest.mark.parametrize("sample", [False, True])
def test_what_is_generated_is_a_dict_of_views(place: Path, sample: bool) -> None:
    with load(place / "bundle.ssdgm", variant="fp32") as bundle:
        made = bundle.generate([0, 1], n=3, seed=4, sample=sample)
        again = bundle.generate([0, 1], n=3, seed=4, sample=sample)
        assert len(made) == 6
        for known in (LEFT, RIGHT):
            assert made.x[known.name].shape == (6, *known.shape)
            np.testing.assert_array_equal(made.x[known.name], again.x[known.name])
            assert made.as_input()[known.name].dtype == known.dtype
        assert len(bundle.classify(made.as_input())) == 6
        if sample:
            assert set(np.unique(made.x["right"])) <= {0.0, 255.0}


def test_commands_take_and_write_views(place: Path, tmp_path: Path) -> None:
    bundle = place / "bundle.ssdgm"
    found = commands.classify(bundle, place / "rows.npz", tmp_path / "out.csv")
    assert found["rows"] == len(DATA.x)  # an array x.NAME is taken before x_test.NAME
    np.save(tmp_path / "whole.npy", DATA.x_test)
    assert commands.classify(bundle, tmp_path / "whole.npy")["rows"] == 24
    left = DATA.x[:, :6][~np.isnan(DATA.x[:, 0])]
    np.savez(tmp_path / "left.npz", left=left)
    assert commands.classify(bundle, tmp_path / "left.npz")["rows"] == len(left)
    commands.generate(bundle, tmp_path / "made.npz", n=2, seed=0)
    with np.load(tmp_path / "made.npz") as arrays:
        assert arrays["x.left"].shape == (6, 6)
        assert arrays["x.right"].shape == (6, 3, 3)
    commands.generate(bundle, tmp_path / "made.png", n=2, seed=0)
    commands.generate(bundle, tmp_path / "styles.png", picture="styles", n=2, seed=0)
    with pytest.raises(errors.DataError, match="not rows of a table"):
        commands.generate(bundle, tmp_path / "made.csv", n=2, seed=0)
    assert [view["name"] for view in commands.inspect(bundle)["views"]] == ["left", "right"]


def test_a_folder_for_each_view_is_read_and_a_missing_picture_is_a_missing_view(
    place: Path, tmp_path: Path
) -> None:
    image = pytest.importorskip("PIL.Image")
    right = [row for row in rows()["right"] if row is not None][:3]
    (tmp_path / "right").mkdir()
    for i, row in enumerate(right):
        image.fromarray(row).save(tmp_path / f"right/{i}.png")
    found = commands.classify(place / "bundle.ssdgm", tmp_path)
    assert [each["source"] for each in found["predictions"]] == ["0.png", "1.png", "2.png"]
    with load(place / "bundle.ssdgm") as bundle:
        wanted = bundle.classify({"right": np.stack(right)}).names
    assert [each["name"] for each in found["predictions"]] == list(wanted)
    image.fromarray(right[0][:2]).save(tmp_path / "right/9.png")
    with pytest.raises(errors.DataError, match=r"9\.png"):
        commands.classify(place / "bundle.ssdgm", tmp_path)


def test_files_without_views_are_refused(place: Path, tmp_path: Path) -> None:
    np.savez(tmp_path / "odd.npz", middle=np.zeros((3, 6), np.float32))
    with pytest.raises(errors.DataError, match="one of the views left, right"):
        commands.classify(place / "bundle.ssdgm", tmp_path / "odd.npz")
    np.savez(tmp_path / "narrow.npz", left=np.zeros((3, 5), np.float32))
    with pytest.raises(errors.DataError, match=r"\[3, 5\]"):
        commands.classify(place / "bundle.ssdgm", tmp_path / "narrow.npz")
    (tmp_path / "empty").mkdir()
    with pytest.raises(errors.DataNotFound, match="no images of a view"):
        commands.classify(place / "bundle.ssdgm", tmp_path / "empty")
