"""Pictures with masks: from arrays and folders to classes of every place, and what is refused."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from ssdgm_runtime import errors
from ssdgm_train import data as sources
from ssdgm_train.data import dataset, doubt, statement
from ssdgm_train.data.masks import arrays
from ssdgm_train.data.settings import DataPlan
from ssdgm_train.data.split import split
from ssdgm_train.labels import Dense, dense
from ssdgm_train.settings import RecipeError

PLAN = DataPlan(labels_as="masks")
SIZES = ((16, 20), (20, 16), (16, 16))
Array = np.ndarray


def picture(index: int, classes: int = 2) -> tuple[Array, Array]:
    """A picture and its mask, of which a growing part has class 1."""
    high, wide = SIZES[index % len(SIZES)]
    mask = np.zeros((high, wide), np.uint8)
    mask[: 1 + index % 12] = 1 + index % (classes - 1)
    return (40 + 60 * mask).astype(np.uint8), mask


def folder(root: Path, count: int = 6, bare: int = 2, test: int = 0, classes: int = 2) -> Path:
    """A folder of pictures with masks; the first `bare` training pictures have none."""
    for part, number in (("train", count), ("test", test)):
        place = root / part if test else root
        for name in ("images", "masks") if number else ():
            (place / name).mkdir(parents=True)
        for i in range(number):
            x, mask = picture(i, classes)
            Image.fromarray(x).save(place / "images" / f"p{i}.png")
            if part == "test" or i >= bare:
                Image.fromarray(mask).save(place / "masks" / f"p{i}.png")
    return root


def loaded(root: Path, **plan: Any) -> dataset.Dataset:  # noqa: ANN401
    return sources.load(str(root), plan=DataPlan(labels_as="masks", **plan))


class TestFolders:
    def test_pictures_of_several_sizes_are_continued_without_labels(self, tmp_path: Path) -> None:
        data = loaded(folder(tmp_path))
        assert (data.x.shape, data.y.shape, data.space) == ((6, 32, 32), (6, 32, 32), "masks")
        assert (data.classes, data.labelled, data.kind) == ((0, 1), 4, "image")
        assert (data.y[:2] == dense.UNKNOWN).all()
        x, mask = picture(2)
        assert np.array_equal(data.x[2, :16, :16], x)
        assert np.array_equal(data.y[2, :16, :16], mask)
        assert (data.y[2, 16:] == dense.UNKNOWN).all()
        assert np.array_equal(data.x[2, 16], x[-1, :16].repeat(2)[:32][::2].repeat(2)[:32])

    def test_parts_names_and_archives(self, tmp_path: Path) -> None:
        root = folder(tmp_path / "set", test=3, classes=3)
        (root / "classes.txt").write_text("ground\ngrey\nwhite\n")
        data = loaded(root)
        assert data.classes == ("ground", "grey", "white")
        assert data.x_test is not None
        assert len(data.x_test) == 3
        import shutil

        packed = shutil.make_archive(str(tmp_path / "packed"), "zip", tmp_path, "set")
        assert loaded(Path(packed)).digest == data.digest

    def test_0_and_255_alone_are_two_classes(self, tmp_path: Path) -> None:
        root = folder(tmp_path, bare=0)
        for file in (root / "masks").iterdir():
            Image.fromarray(np.asarray(Image.open(file)) * np.uint8(255)).save(file)
        assert loaded(root).classes == (0, 255)

    def test_palettes_and_numbered_objects(self, tmp_path: Path) -> None:
        root = folder(tmp_path, bare=0)
        for i, file in enumerate(sorted((root / "masks").iterdir())):
            mask = np.asarray(Image.open(file)).astype(np.uint16)
            Image.fromarray(mask * np.uint16(300 + i)).save(file)
        data = loaded(root, objects=True)
        assert data.classes == ("background", "object")
        assert np.array_equal(data.y[2, :16, :16], picture(2)[1])
        with pytest.raises(errors.DataError, match=r"data\.objects=true"):
            loaded(root)
        for i, file in enumerate(sorted((root / "masks").iterdir())):
            indexed = Image.fromarray(picture(i)[1], "P")
            indexed.putpalette([0, 0, 0, 200, 100, 50])
            indexed.save(file)
        assert loaded(root).classes == (0, 1)

    def test_nothing_becomes_two_classes_unasked(self, tmp_path: Path) -> None:
        with pytest.raises(errors.DataError, match="say --labels-as masks"):
            sources.load(str(folder(tmp_path)))

    @pytest.mark.parametrize(
        ("spoil", "message"),
        [
            ("size", "p3.png is 5 x 5 and its picture 16 x 20"),
            ("value", "holds 7 at row 0, column 0; expected one of 0, 1"),
            ("colours", "has pixels of mode RGB"),
            ("alone", "has no picture of its name"),
            ("broken", "cannot be read as a mask"),
            ("names", "has 2 names, 1 different ones"),
        ],
    )
    def test_masks_that_cannot_be(self, spoil: str, message: str, tmp_path: Path) -> None:
        root = folder(tmp_path, test=2 if spoil == "value" else 0)
        place = root / "test" if spoil == "value" else root
        file = place / "masks" / ("p1.png" if spoil == "value" else "p3.png")
        if spoil == "size":
            Image.fromarray(np.zeros((5, 5), np.uint8)).save(file)
        elif spoil == "value":
            Image.fromarray(np.full((20, 16), 7, np.uint8)).save(file)
        elif spoil == "colours":
            Image.fromarray(np.zeros((16, 20, 3), np.uint8)).save(file)
        elif spoil == "alone":
            file.rename(file.with_name("other.png"))
        elif spoil == "broken":
            file.write_bytes(b"no picture")
        else:
            (root / "classes.txt").write_text("a\na\n")
        with pytest.raises(errors.DataError, match=message):
            loaded(root)

    def test_test_pictures_need_masks_and_nothing_is_resized(self, tmp_path: Path) -> None:
        root = folder(tmp_path, test=2)
        (root / "test/masks/p0.png").unlink()
        with pytest.raises(errors.DataError, match="1 of 2 test pictures have no mask"):
            loaded(root)
        with pytest.raises(errors.DataError, match=r"data\.resize"):
            loaded(root, resize="crop 16x16")


class TestArrays:
    X = np.zeros((3, 16, 16), np.uint8)
    Y = np.arange(3 * 256).reshape(3, 16, 16) % 2

    def made(self, x: Array = X, y: Array = Y, **plan: Any) -> dataset.Dataset:  # noqa: ANN401
        chosen = DataPlan(labels_as="masks", **plan)
        return arrays.made("some", arrays.of_arrays("y", x, y), None, chosen)

    def test_whole_pictures_and_places_may_be_unknown(self) -> None:
        y = self.Y.copy()
        y[0], y[1, 0] = -1, 255
        data = self.made(y=y)
        assert data.labelled == 2
        assert (data.y[1, 0] == dense.UNKNOWN).all()

    def test_colours_and_floats(self) -> None:
        assert self.made(np.zeros((3, 16, 16, 3), np.float32)).x.shape == (3, 16, 16, 3)

    @pytest.mark.parametrize(
        ("y", "message"),
        [
            (Y[:, :8], "y is int64"),
            (Y.astype(np.float64), "y is float64"),
            (Y * 0, "hold the classes"),
            (np.arange(768).reshape(3, 16, 16) % 30, "30 different values"),
            (Y * -5, "2 different values"),
        ],
    )
    def test_what_cannot_be_learnt(self, y: Array, message: str) -> None:
        with pytest.raises(errors.DataError, match=message):
            self.made(y=y)

    def test_masks_that_nobody_announced_are_asked_about(self, tmp_path: Path) -> None:
        np.savez(tmp_path / "a.npz", x=self.X, y=self.Y)
        with pytest.raises(errors.DataError, match="say --labels-as masks"):
            sources.load(str(tmp_path / "a.npz"))
        data = sources.load(str(tmp_path / "a.npz"), plan=PLAN)
        doubt.check_labels(data, PLAN)
        assert data.space == "masks"

    def test_cuts_are_multiples(self) -> None:
        from ssdgm_train.recipes import recipe

        with pytest.raises(RecipeError, match="a multiple of 16"):
            recipe.load(None, "segment", ["data.cut=20"])


class TestSplits:
    def drawn(self) -> dataset.Dataset:
        """Forty pictures, of which class 2 is on two alone, and each has more of class 1."""
        y = np.zeros((40, 16, 16), np.uint8)
        for i in range(40):
            y[i, : i // 3] = 1
        y[[7, 20], 15] = 2
        return arrays.made("some", arrays.of_arrays("y", y * 50, y), None, PLAN)

    def test_every_class_is_learnt_and_shares_are_spread(self) -> None:
        data = self.drawn()
        parts = split(data, 10, 8.0, 0)
        assert (len(parts.labelled), len(parts.validation)) == (10, 8)
        assert {7, 20} & {*parts.labelled.tolist()}
        shares = np.sort((data.y[parts.labelled] == 1).mean((1, 2)))
        assert shares[0] < 0.15
        assert shares[-1] > 0.6

    def test_a_budget_below_one_picture_is_refused(self) -> None:
        with pytest.raises(errors.DataError, match="to show every class"):
            split(self.drawn(), 0, 8.0, 0)

    def test_the_problem_states_shares_and_one_scale(self) -> None:
        data = self.drawn()
        stated = statement.problem(data, split(data, 10, 8.0, 0), PLAN)
        assert isinstance(stated.labels, Dense)
        assert sum(stated.labels.prior) == pytest.approx(1)
        assert (stated.likelihood, len(stated.shift)) == ("logistic", 1)
        plan = DataPlan(labels_as="masks", likelihood="gaussian", prior=(0.5, 0.25, 0.25))
        stated = statement.problem(data, split(data, 10, 8.0, 0), plan)
        x = data.x[split(data, 10, 8.0, 0).training]
        assert stated.shift[0] == pytest.approx(x.mean(), rel=1e-4)
        assert stated.scale[0] == pytest.approx(x.std(), rel=0.05)
        assert stated.labels.prior == (0.5, 0.25, 0.25)
