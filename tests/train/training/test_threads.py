"""How many threads a training takes: one where more would only wait for one another."""

from pathlib import Path

import cases
import pytest
import torch
from torch import nn

import ssdgm_train
from ssdgm_train.recipes import recommended
from ssdgm_train.training import threads


@pytest.fixture(autouse=True)
def _many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch, "get_num_threads", lambda: 8)


@pytest.mark.parametrize(
    ("model", "rows", "wanted"),
    [
        (nn.Linear(20, 100), 200, 1),
        (nn.Linear(784, 600), 200, 1),
        (nn.Linear(2000, 2000), 200, 8),
        (nn.Sequential(nn.Conv2d(1, 2, 3)), 1, 8),
    ],
)
def test_a_small_step_takes_one_thread(model: nn.Module, rows: int, wanted: int) -> None:
    assert threads.wanted(model, rows, cases.CPU) == wanted
    assert threads.wanted(model, rows, torch.device("cuda")) == 8


@pytest.mark.parametrize(("asked", "taken"), [(None, 1), (3, 3)])
def test_a_run_has_its_threads_also_when_it_goes_on(
    asked: int | None, taken: int, tmp_path: Path
) -> None:
    source = cases.saved(tmp_path / "r.npz", cases.separable("gaussian-float32", 40, 20))
    plan = cases.small_recipe("m2")
    begun = ssdgm_train.begin(source, plan, tmp_path / "run", device="cpu", threads=asked)
    assert begun.threads == begun.run.read().environment.threads == taken
    assert ssdgm_train.resume(tmp_path / "run").threads == taken


def test_a_small_table_takes_one_by_default(tmp_path: Path) -> None:
    source = cases.saved(tmp_path / "r.npz", cases.separable("gaussian-float32", 417, 200))
    asked = recommended.Asked(None, "m2", ("run.baseline=0",))
    assert ssdgm_train.begin(source, asked, tmp_path / "run", device="cpu").threads == 1
