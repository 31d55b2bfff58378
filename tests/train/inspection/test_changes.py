"""What `data inspect` says of the recipes that are compared, and of how they change rows."""

import numpy as np
import pytest

from ssdgm_train import inspection
from ssdgm_train.data import dataset
from ssdgm_train.inspection import changes, proposal
from ssdgm_train.portfolio import search

N = 90
Y = np.where(np.arange(N) < 30, np.arange(N) % 3, -1)
LEFT = "; assumed to leave labels as they are"


def bytes_(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (N, *shape)).astype(np.uint8)


def numbers(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).normal(size=(N, *shape)).astype(np.float32)


def proposed(data: dataset.Dataset, *more: str, comparing: bool = True) -> proposal.Proposal:
    found = inspection.inspect(data, search.asked(more), comparing=comparing).training
    assert isinstance(found, proposal.Proposal)
    return found


KINDS: dict[str, tuple[np.ndarray, str]] = {
    "grey images": (
        bytes_(8, 8),
        "in m2: images turned, scaled, sheared, moved, bent, partly erased, of "
        "another contrast, not mirrored",
    ),
    "colours": (
        bytes_(8, 8, 3),
        "in m2, m2-mirrored: images turned, scaled, sheared, moved, bent, partly "
        "erased, of another contrast, mirrored in m2-mirrored alone",
    ),
    "windows": (
        numbers(2, 30),
        "in m2, m2-kernels: windows noisy, of another size, faster or slower, moved, "
        "silent for a while",
    ),
    "rows": (
        numbers(5),
        "in m2-consistent: numbers noisy, a tenth of the columns another row's",
    ),
}


@pytest.mark.parametrize(("x", "told"), KINDS.values(), ids=KINDS)
def test_how_rows_are_changed_is_said_by_their_kind(x: np.ndarray, told: str) -> None:
    assert proposed(dataset.make("a", x, Y)).augmentation == told + LEFT


def test_all_images_are_mirrored_where_a_setting_says_so() -> None:
    data = dataset.make("a", bytes_(8, 8), Y)
    told = proposed(data, "regularise.mirror=true", comparing=False).augmentation
    every = KINDS["grey images"][1]
    assert told == every.replace("not mirrored", "mirrored") + LEFT


def test_where_no_recipe_changes_rows_that_is_said() -> None:
    found = proposed(dataset.make("a", numbers(5), Y), comparing=False)
    assert (found.minutes, found.compared) == (None, ())
    assert found.augmentation == changes.NONE


def test_who_is_compared_is_who_train_compares() -> None:
    data = dataset.make("a", numbers(5), Y)
    found = proposed(data)
    assert (found.minutes, found.method) == (10, "m2")
    assert found.compared == ("m2-graph", "m2-consistent", "baseline")
    whole = proposed(dataset.make("a", numbers(5), np.arange(N) % 3))
    assert whole.compared == ("baseline",)
    nothing = {
        "tags": (dataset.make("a", numbers(5), np.arange(3 * N).reshape(N, 3) % 2), ()),
        "to be found": (data, ("data.extra_classes=2",)),
        "one a class": (
            dataset.make("a", numbers(5), np.where(np.arange(N) < 3, Y, -1)),
            ("data.labels_as=classes", "data.validation=0"),
        ),
    }
    for made, more in nothing.values():
        alone = proposed(made, *more)
        assert (alone.minutes, alone.compared) == (10, ())
