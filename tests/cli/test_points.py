"""Points from a folder of pictures to a bundle: trained, looked at, converted, predicted."""

import json
from pathlib import Path

import numpy as np
import pictures
import pytest

from ssdgm_export.cli import run as command
from ssdgm_runtime import load
from ssdgm_runtime.pictures import png

COUNT, SIDE = 40, 16
LINE = ("--labels-as", "points", "--set", "data.validation=8", "--set", "run.baseline=0")
SMALL = ("model.channels=[4, 8]", "train.steps=4", "model.hidden=[8]", "model.latent=2")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Pictures with a bright spot, whose middle and the picture's middle are points."""
    root, rng = tmp_path_factory.mktemp("points"), np.random.default_rng(0)
    files: dict[str, bytes | str | None] = {}
    lines = ["file,spot_x,spot_y,middle_x,middle_y,split"]
    for number in range(COUNT):
        x = rng.integers(0, 60, (SIDE, SIDE)).astype(np.uint8)
        right, down = rng.integers(2, SIDE - 2, 2)
        x[down - 2 : down + 2, right - 2 : right + 2] = 250
        files[f"{number}.png"] = png.encode_png(x)
        spot = f"{right},{down},{7 + number % 2},{8 + number % 3}" if number % 3 else ",,,"
        part = "test" if number % 10 == 1 and number % 3 else "train"
        lines.append(f"{number}.png,{spot},{part}")
    return pictures.lay(root / "spots", {**files, "labels.csv": "\n".join(lines) + "\n"})


@pytest.fixture(scope="module")
def run(place: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("run") / "run"
    sets = [word for setting in SMALL for word in ("--set", setting)]
    assert command(["train", str(place), "--method", "m2", *LINE, *sets, "--out", str(out)]) == 0
    return out


def test_the_score_has_the_share_of_right_points(run: Path) -> None:
    result = json.loads((run / "result.json").read_text())
    assert 0 <= result["test"]["pck"] <= 1
    assert "Points from the worst picture to the best" in (run / "report.html").read_text()


def test_a_bundle_says_where_points_are_as_training_did(run: Path, tmp_path: Path) -> None:
    bundle = tmp_path / "spots.ssdgm"
    assert command(["convert", str(run), "-o", str(bundle)]) == 0
    assert command(["verify", str(bundle)]) == 0
    model = load(bundle)
    assert model.info["labels"] == ["spot_x", "spot_y", "middle_x", "middle_y"]
    x = np.zeros((2, SIDE, SIDE), np.uint8)
    assert model.predict(x).shape == (2, 4)
    drawn = model.generate([[3.0, 4, 8, 8], [12.0, 9, 8, 9]], n=1, seed=0)
    assert drawn.x.shape[-2:] == (SIDE, SIDE)
