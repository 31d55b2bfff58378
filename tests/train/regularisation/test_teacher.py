"""What a graph teaches: what it says of rows, and that a classifier learns it."""

import dataclasses
import json
from pathlib import Path

import cases
import numpy as np
import pytest
import torch

import ssdgm_train
from ssdgm_train.data import statement
from ssdgm_train.data.dataset import Dataset
from ssdgm_train.data.settings import DataPlan
from ssdgm_train.data.split import Split
from ssdgm_train.labels import Classes
from ssdgm_train.regularisation import phases, teacher
from ssdgm_train.regularisation.plan import FEATURES, Regularisation
from ssdgm_train.runs import directory, fitting
from ssdgm_train.settings import RecipeError

KINDS = ("gaussian-float32", "bernoulli-uint8", "columns-float32", "windows-float32")


PAIRS = [
    (kind, source)
    for kind in KINDS
    for source in teacher.SOURCES
    if source != FEATURES or cases.stated(kind).kind in phases.ENCODED
]


def pool(data: Dataset, parts: Split) -> teacher.Pool:
    """The training rows of a data set."""
    problem = statement.problem(data, parts, DataPlan())
    return teacher.Pool(problem, data.x, parts.training)


@pytest.mark.parametrize(("kind", "source"), PAIRS)
def test_a_teacher_knows_the_rows_that_lie_close_to_labels(kind: str, source: str) -> None:
    data = cases.separable(kind, labelled=90)
    parts = Split(np.arange(12), np.arange(12, 80), np.arange(80, 90))
    said = teacher.answers(source, pool(data, parts), data.y, parts, seed=0)
    assert said.shape == (90, 3)
    assert bool(said[80:].isnan().all())  # held-out rows are not answered
    answered = said[12:80].softmax(-1)
    right = answered.gather(1, torch.from_numpy(data.y[12:80])[:, None])
    assert float((right > 0.5).float().mean()) > 0.9


def test_labels_of_other_rows_are_not_looked_at() -> None:
    data = cases.separable(labelled=60)
    parts = Split(np.arange(9), np.arange(9, 60), np.arange(0))
    hidden = np.where(np.arange(60) < 9, data.y, -1)
    first, second = (
        teacher.answers("graph", pool(data, parts), y, parts, 0) for y in (data.y, hidden)
    )
    torch.testing.assert_close(first, second, equal_nan=True)


def test_a_class_without_labels_is_never_said() -> None:
    data = cases.separable(labelled=60)
    known = np.flatnonzero(data.y < 2)
    parts = Split(known[:10], np.setdiff1d(np.arange(60), known[:10]), np.arange(0))
    said = teacher.answers("graph", pool(data, parts), data.y, parts, 0)
    reached = said[~said.isnan().any(1)]
    assert len(reached)
    assert float(reached.softmax(-1)[:, 2].max()) < 0.01


def test_what_several_say_is_the_mean_of_their_logarithms() -> None:
    said = [
        torch.tensor([[-1.0, -3.0], [torch.nan] * 2]),
        torch.tensor([[-3.0, -1.0], [-2.0] * 2]),
    ]
    torch.testing.assert_close(teacher.together(said), torch.full((2, 2), -2.0))


def test_peers_are_of_the_same_recipe_without_peers() -> None:
    both = cases.small_recipe(
        "m2", 'regularise.teachers=["peers", "graph"]', "regularise.taught=2"
    )
    assert fitting.peerless(both).regularise == Regularisation(taught=2.0)
    alone = cases.small_recipe("m2", 'regularise.teachers=["peers"]', "regularise.taught=2")
    assert fitting.peerless(alone).regularise == Regularisation()


@pytest.mark.parametrize("teachers", [["graph"], ["baseline", "graph"], ["peers"]])
def test_a_taught_run_is_trained_and_goes_on_to_the_bit(
    teachers: list[str], tmp_path: Path
) -> None:
    changes = (f"regularise.teachers={json.dumps(teachers)}", "regularise.peers=2")
    plan = cases.small_recipe("m2", "regularise.taught=2", *changes)
    source = cases.saved(tmp_path / "data.npz", cases.separable(labelled=60, test=20))
    for _ in ssdgm_train.train(ssdgm_train.begin(source, plan, tmp_path / "whole", 12)):
        pass
    session = ssdgm_train.begin(source, plan, tmp_path / "parts", 12)
    said = []
    for progress in ssdgm_train.train(session):
        said.append(progress.of)
        if progress.step == 4 and not progress.of:
            break
    assert ("teacher 2 of 2" in said) == ("peers" in teachers)
    assert not any(one.of for one in ssdgm_train.train(ssdgm_train.resume(tmp_path / "parts")))
    assert cases.outcome(tmp_path / "whole") == cases.outcome(tmp_path / "parts")
    text = (directory.Run(tmp_path / "whole").path / "metrics.jsonl").read_text()
    assert '"taught":' in text


def test_what_has_no_classes_has_no_teacher() -> None:
    spec, plan = ssdgm_train.METHODS["m2"], Regularisation(taught=1.0)
    problem = cases.stated()
    phases.check(plan, spec, problem, mapped=False)
    text = cases.message(RecipeError, lambda: phases.check(plan, spec, problem, mapped=True))
    assert "regularise.taught is set, and a teacher needs all rows in memory" in text

    features = Regularisation(taught=1.0, teachers=(FEATURES,))
    text = cases.message(RecipeError, lambda: phases.check(features, spec, problem, mapped=False))
    assert "the teacher features needs images or windows" in text

    @dataclasses.dataclass(frozen=True)
    class Own(Classes):
        """A space of one's own, whose raw numbers are none of classes."""

    own = dataclasses.replace(problem, labels=Own((1 / 3,) * 3))
    text = cases.message(RecipeError, lambda: phases.check(plan, spec, own, mapped=False))
    assert "a teacher knows of classes alone" in text
