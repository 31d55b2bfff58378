"""Pictures with masks on the command line: the whole circle, and what is refused."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from ssdgm_runtime import model

Tool = Callable[..., Any]
SIDES = ((32, 48), (40, 32))
TINY = (
    *("--set", "train.steps=8", "--set", "run.evaluate_every=4", "--set", "run.baseline=4"),
    *("--set", "model.channels=[4, 8]", "--set", "model.painting=[4]", "--set", "data.cut=16"),
    *("--set", "model.summary=[4]", "--set", "train.labelled_batch=4", "-q"),
    *("--method", "segment"),
)
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of pictures of two sizes with masks of two classes; a third has no masks."""
    root, rng = tmp_path_factory.mktemp("pictures"), np.random.default_rng(0)
    for part, count in (("train", 12), ("test", 3)):
        for name in ("images", "masks"):
            (root / part / name).mkdir(parents=True)
        for i in range(count):
            mask = (rng.random(SIDES[i % 2]) < 0.1 + i / 20).astype(np.uint8)
            noise = rng.normal(0, 10, mask.shape)
            Image.fromarray((50 + 120 * mask + noise).clip(0, 255).astype(np.uint8)).save(
                root / part / "images" / f"p{i:02d}.png"
            )
            if part == "test" or i % 3:
                Image.fromarray(mask).save(root / part / "masks" / f"p{i:02d}.png")
    (root / "classes.txt").write_text("ground\ncell\n")
    return root


@pytest.fixture(scope="module")
def made(pictures: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of a run of `segment`, and its bundle."""
    from ssdgm_export import cli

    root = tmp_path_factory.mktemp("made")
    words = ["train", pictures, "--labels-as", "masks", "--out", root / "run", *TINY]
    for command in (words, ["convert", root / "run", "-o", root / "b.ssdgm"]):
        assert cli.run([str(word) for word in command]) == 0
    return root


def test_inspect_counts_pictures_and_places(pictures: Path, tmp_path: Path, tool: Tool) -> None:
    sheet = tmp_path / "sheet.png"
    words = ("data", "inspect", pictures, "--labels-as", "masks", "-o", sheet)
    seen = tool(*words)
    assert seen.code == 0, seen
    assert "share of places" in seen.out
    assert "segment: a class for every place" in seen.out
    assert sheet.exists()
    told = tool(*words, "--force", "--json").json
    assert told["labels"] == "masks"
    assert sum(told["places"]) == pytest.approx(1)
    assert told["rows"] == {"training": 12, "labelled": 8, "unlabelled": 4, "test": 3}


def test_a_run_is_of_segment_and_has_overlaps_a_baseline_and_a_report(made: Path) -> None:
    from ssdgm_train.runs import directory

    run = directory.Run(made / "run")
    result = directory.ended(run)
    assert run.read().plan.method == "segment"
    assert result.test is not None
    assert result.test.iou is not None
    assert len(result.test.iou) == 2
    assert result.baseline is not None
    assert result.baseline.test is not None
    assert result.baseline.test.error == pytest.approx(result.test.error)
    page = (made / "run/report.html").read_text()
    assert "IoU of each class" in page
    assert {p.stem for p in (made / "run/figures").iterdir()} >= {
        *("masks", "worst", "painted", "confusion", "reliability"),
    }


def test_a_bundle_says_what_it_came_to_and_proves_it(made: Path, tool: Tool) -> None:
    assert "IoU of each class" in (made / "b.ssdgm/README.md").read_text()
    checked = tool("verify", made / "b.ssdgm", "--json")
    assert checked.json["passed"] is True
    assert {c["component"] for c in checked.json["checks"]} == {"classifier", "encoder", "decoder"}
    told = tool("inspect", made / "b.ssdgm", "--json").json
    assert told["space"]["space"] == "masks"
    assert told["tasks"] == ["predict", "encode", "reconstruct", "generate"]


def test_masks_have_the_size_of_their_pictures(
    pictures: Path, made: Path, tmp_path: Path, tool: Tool
) -> None:
    place, bundle = pictures / "test/images", made / "b.ssdgm"
    assert tool("predict", bundle, place, "-o", tmp_path / "masks").code == 0
    sizes = [np.asarray(Image.open(p)).shape for p in sorted((tmp_path / "masks").iterdir())]
    assert sizes == [SIDES[0], SIDES[1], SIDES[0]]
    assert tool("predict", bundle, place, "-o", tmp_path / "m.npz").code == 0
    with np.load(tmp_path / "m.npz") as arrays:
        assert arrays["p01.png"].shape == SIDES[1]
        first = arrays["p00.png"]
    assert np.array_equal(first, np.asarray(Image.open(tmp_path / "masks/p00.png")))
    one = ("predict", bundle, place / "p00.png", "-o", tmp_path / "one.png")
    assert tool(*one).code == 0
    assert np.array_equal(first, np.asarray(Image.open(tmp_path / "one.png")))
    listed = tool("predict", bundle, place, "--json").json
    assert [p["source"] for p in listed["predictions"]] == ["p00.png", "p01.png", "p02.png"]
    assert listed["predictions"][0]["shares"]["cell"] == pytest.approx(first.mean())
    assert tool("predict", bundle, place, "-o", tmp_path / "m.csv").code == 0
    assert "share_cell" in (tmp_path / "m.csv").read_text()


def test_the_device_answers_as_torch_does(pictures: Path, made: Path) -> None:
    import torch

    from ssdgm_train import data
    from ssdgm_train.data.settings import DataPlan
    from ssdgm_train.runs import directory, loading

    whole = data.load(str(pictures), plan=DataPlan(labels_as="masks"))
    assert whole.x_test is not None
    torch_model = loading.load_model(directory.Run(made / "run")).eval()
    with torch.inference_mode(), model.load(made / "b.ssdgm") as opened:
        wanted = torch_model.labels.outputs(
            torch_model.answer("classifier", x=torch.from_numpy(whole.x_test))["raw"]
        )["probs"]
        np.testing.assert_allclose(opened.classify(whole.x_test).probs, wanted, atol=1e-5)
        y = opened.predict(whole.x_test)
        assert opened.generate(y, seed=0).x.shape == whole.x_test.shape
        assert opened.reconstruct(whole.x_test).shape == whole.x_test.shape


def test_arrays_must_have_sides_that_the_graph_takes(
    made: Path, tmp_path: Path, tool: Tool
) -> None:
    np.save(tmp_path / "x.npy", np.zeros((2, 20, 32), np.uint8))
    refused = tool("predict", made / "b.ssdgm", tmp_path / "x.npy")
    assert refused.code == 2
    assert "uint8 [n, 16*height, 16*width]" in refused.err
    assert "np.pad" in refused.err
    np.save(tmp_path / "x.npy", np.zeros((2, 32, 32), np.uint8))
    assert tool("predict", made / "b.ssdgm", tmp_path / "x.npy", "-o", tmp_path / "a").code == 0
    assert [p.name for p in sorted((tmp_path / "a").iterdir())] == ["0.png", "1.png"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("evaluate", "run"), "of which no p(x) is estimated"),
        (("convert", "run", "-o", "c.ssdgm", "--score"), "nothing bounds p(x)"),
        (
            ("convert", "run", "-o", "c.ssdgm", "--golden-from", "x.npy"),
            "nothing where labels are",
        ),
        (("classify", "b.ssdgm", "images"), "it predicts masks (ground, cell)"),
        (("score", "b.ssdgm", "images"), "it has no scorer"),
        (("predict", "b.ssdgm", "images", "--probabilities"), "where labels are masks"),
        (("predict", "b.ssdgm", "images", "-o", "m.png"), "a folder or an .npz file for 3"),
        (("predict", "b.ssdgm", "images", "-o", "m.txt"), "a name that ends in .npz"),
        (("generate", "b.ssdgm", "-o", "g.png", "--class", "sky"), "one of ground, cell"),
    ],
)
def test_what_masks_cannot_do_is_refused_in_a_sentence(
    words: tuple[str, ...],
    message: str,
    made: Path,
    pictures: Path,
    tmp_path: Path,
    tool: Tool,
) -> None:
    places = {"run": made / "run", "b.ssdgm": made / "b.ssdgm", "images": pictures / "test/images"}
    outs = {name: tmp_path / name for name in ("c.ssdgm", "m.png", "m.txt", "g.png")}
    refused = tool(*({**places, **outs}.get(word, word) for word in words))
    assert refused.code == 2, refused
    assert message in refused.err
    assert len(refused.err.strip().splitlines()) == 1


@pytest.mark.parametrize(
    ("method", "message"),
    [("m2", "m2 does not know masks"), ("vat", "Use a method that does: supervised, segment")],
)
def test_other_methods_say_who_knows_masks(
    method: str, message: str, pictures: Path, tmp_path: Path, tool: Tool
) -> None:
    words = ("train", pictures, "--labels-as", "masks", "--method", method)
    refused = tool(*words, "--out", tmp_path / "run")
    assert (refused.code, message in refused.err) == (2, True)
