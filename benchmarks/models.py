"""The trained models that the runtime's claims are measured with, on MNIST.

M2 and M1+M2 are the runs of `benchmarks.paper` with 100 labels, where they are there, else runs of
the same recipes: whole ones where errors are measured, and short ones for speed, which does not
depend on what was learnt. `softplus` is the paper's M2, whose non-linearity that is, always short.
"""

import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from ssdgm_export import convert
from ssdgm_export.graphs import modules
from ssdgm_train import begin, data, resume, train
from ssdgm_train.recipes import recipe
from ssdgm_train.runs import directory, loading

RUNS = Path("runs")
RECIPES = {
    "m2": ("pretrained-m2-100", ()),
    "m1m2": ("default-m1m2-100", ()),
    "m1": ("default-m1-100", ()),
    "softplus": ("paper-m2-100", ("model.initial=torch",)),
}
STEPS = {"m1m2": ("phases.features.steps", "phases.joint.steps")}  # where there are several
PRECISIONS = "fp32,int8"


@dataclass(frozen=True)
class Made:
    """A run and its bundle."""

    run: Path
    bundle: Path

    @property
    def graph(self) -> Path:
        """The classifier's fp32 file."""
        return self.bundle / "models/classifier/fp32/model.onnx"

    def module(self) -> nn.Module:
        """The classifier as the torch module that was exported."""
        run = directory.Run(self.run)
        temperature = run.result.temperature if run.result else 1.0
        return modules.of(loading.load_model(run), run.read().problem, temperature)[
            "classifier"
        ].module


def make(name: str, *, short: bool = True) -> Made:
    """A model's run, trained at the first call, and a bundle of it, converted anew.

    Args:
        name: Which of `RECIPES`.
        short: Whether a run of 500 steps will do.
    """
    run = _run(name, short or name == "softplus")
    bundle = RUNS / "bench" / f"{name}.ssdgm"
    shutil.rmtree(bundle, ignore_errors=True)
    bundle.parent.mkdir(parents=True, exist_ok=True)
    convert(run, bundle, precision=PRECISIONS)
    return Made(run, bundle)


def test_rows() -> tuple[NDArray[np.generic], NDArray[np.int64]]:
    """MNIST's 10,000 test images and their labels."""
    found = data.load("mnist")
    assert found.x_test is not None
    assert found.y_test is not None
    return found.x_test, found.y_test


def _run(name: str, short: bool) -> Path:
    found = RUNS / "paper" / "default" / f"{name}-100-0" / "run"
    own = RUNS / "bench" / (f"{name}-short" if short else name)
    run = found if (found / "result.json").exists() else own
    if not (run / "result.json").exists():
        title, changes = RECIPES[name]
        brief = [f"{n}=500" for n in STEPS.get(name, ("train.steps",))] + ["run.baseline=0"]
        plan = recipe.load(title, None, [*changes, *(brief if short else ())])
        torch.set_num_threads(1)
        session = resume(run) if run.exists() else begin("mnist", plan, run, labelled=100, seed=0)
        for progress in train(session):
            if progress.terms is not None:
                print(name, progress.step, progress.steps, flush=True)
    return run
