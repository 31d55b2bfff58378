"""Folders of images of several sizes on the command line, from training to the device."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pictures
import pytest

from ssdgm_runtime.readers import inputs
from ssdgm_runtime.rows import resizing
from ssdgm_runtime.rows.row import Row

pytest.importorskip("PIL")

Tool = Callable[..., Any]
SMALL = (
    *("--method", "m2"),
    *("--set", "train.steps=4", "--set", "run.evaluate_every=4", "--set", "run.baseline=0"),
    *("--set", "model.hidden=8", "--set", "model.latent=2"),
    *("--set", "train.labelled_batch=6", "--set", "train.unlabelled_batch=6", "--no-report"),
)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """Thirty images of two classes, no two of one size."""
    return pictures.lay(
        tmp_path / "set",
        {f"{'ab'[n % 2]}/{n:02}.png": pictures.content(n, (5 + n, 40 - n)) for n in range(30)},
    )


def test_a_bundle_resizes_images_as_its_training_did(
    source: Path, tmp_path: Path, tool: Tool
) -> None:
    run, bundle, policy = tmp_path / "run", tmp_path / "a.ssdgm", "crop 6x7"
    refused = tool("train", source, "--out", run, *SMALL, "--json")
    assert refused.code == 2
    assert "--set 'data.resize=crop" in refused.json["error"]["mend"]
    told = tool("train", source, "--out", run, "--set", f"data.resize={policy}", *SMALL, "--json")
    assert told.code == 0, told
    converted = tool("convert", run, "-o", bundle, "--golden-from", source, "--json")
    assert converted.code == 0, converted
    assert tool("inspect", bundle, "--json").json["input"]["resize"] == policy
    assert f"images  {policy}" in tool("inspect", bundle).out

    found = tool("classify", bundle, source, "--json").json["predictions"]
    seen = inputs.read_rows(source, Row((6, 7), resize=resizing.parse(policy))).x
    np.save(tmp_path / "rows.npy", seen)
    same = tool("classify", bundle, tmp_path / "rows.npy", "--json").json["predictions"]
    assert [p["probability"] for p in found] == [p["probability"] for p in same]
    drawn = ("generate", bundle, "--analogies", "--rows", source, "-n", 3)
    assert tool(*drawn, "-o", tmp_path / "a.png").code == 0
