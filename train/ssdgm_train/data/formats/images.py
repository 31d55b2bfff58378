"""Images in folders, one a class, or in one folder with a labels.csv."""

import dataclasses
from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ssdgm_runtime import errors
from ssdgm_runtime.readers import images
from ssdgm_runtime.rows import resizing
from ssdgm_train import problems
from ssdgm_train.data import dataset, store
from ssdgm_train.data.formats import pictures, points
from ssdgm_train.data.places import tree
from ssdgm_train.data.settings import DEFAULTS, ONE_CLASS, POINTS, DataPlan
from ssdgm_train.data.tables import discovery

Pixels = NDArray[np.uint8]

_SHOWN = 4


def load(files: tree.Tree, name: str, plan: DataPlan = DEFAULTS) -> dataset.Dataset:
    """Read a folder of images.

    Args:
        files: One folder per class, optionally below `train` and `test`, and `unlabeled` for
            images without a label; or images and a `labels.csv`, see `labelfile`.
        name: The name of the data set in reports.
        plan: How images are read.

    Returns:
        uint8 rows [height, width], or [height, width, 3] if any image has colours, in the order of
        their names.

    Raises:
        DataError: Images or labels cannot be trained on; the message names a file.
        MissingExtra: Pillow is not installed.
    """
    every = sorted(pictures.listed(files, plan), key=lambda p: p.split == "test")
    train = sum(p.split == "train" for p in every)
    names = pictures.names(files, every)
    free = plan.measured or plan.labels_as == ONE_CLASS or len(names) > 1
    pictures.check(files, every[:train], every[train:], free)
    x, y = read_pixels(files, [p.name for p in every], plan), _targets(every, plan)
    if plan.labels_as == POINTS:
        y, names = points.of_files(files, every, plan)
    x_test, y_test = (x[train:], y[train:]) if train < len(every) else (None, None)
    rows = x[:train], y[:train], x_test, y_test
    classes = names if len(names) > 1 else ()
    made = dataset.make(
        *(name, *rows, problems.IMAGE),
        classes=classes,
        finds=plan.finds,
        labels_as=plan.read_as,
    )
    named = dataset.LIST if pictures.in_a_list(files) else dataset.FOLDERS
    return dataclasses.replace(made, named_by=named)


def read_pixels(files: tree.Tree, names: Sequence[str], plan: DataPlan = DEFAULTS) -> Pixels:
    """The pixels of images, uint8 [n, height, width], with a last axis of 3 if any has colours."""
    resize = resizing.parse(plan.resize) if plan.resize else None
    pixels: Pixels | None = None
    for index, name in enumerate(names):
        with files.open(name) as stream:
            row = images.read(stream, tree.place(files, name), None, resize, plan.colour)
        if pixels is None:
            pixels = _room(files, len(names), row.shape)
        if row.shape[:2] != pixels.shape[1:3]:
            raise _mixed(files, names)
        if row.ndim > pixels.ndim - 1:
            greys, pixels = pixels, _room(files, len(names), row.shape)
            for start, piece in store.pieces(greys[:index]):
                pixels[start : start + len(piece)] = piece[..., None]
                store.give_back(pixels)
        pixels[index] = row if row.ndim == pixels.ndim - 1 else row[..., None]
        store.give_back(pixels)
    assert pixels is not None
    return pixels


def _room(files: tree.Tree, count: int, shape: tuple[int, ...]) -> Pixels:
    return store.allocate((count, *shape), np.uint8, f"{files.title}, {count} images,")


def _mixed(files: tree.Tree, names: Sequence[str]) -> errors.DataError:
    counts: Counter[tuple[int, int]] = Counter()
    first: dict[tuple[int, int], str] = {}
    for name in names:
        with files.open(name) as stream:
            size = images.size(stream, tree.place(files, name))
        counts[size] += 1
        first.setdefault(size, name)
    sizes = [f"{h}x{w} ({n}, such as {first[h, w]})" for (h, w), n in counts.most_common(_SHOWN)]
    rest = f" and {len(counts) - _SHOWN} more" if len(counts) > _SHOWN else ""
    common = counts.most_common(1)[0][0]
    return errors.DataError(
        f"{files.title} has images of {len(counts)} sizes: {', '.join(sizes)}{rest}",
        mend="Bring them to one size, height x width, for example with "
        f"--set 'data.resize=crop {common[0]}x{common[1]}'.",
    )


def _targets(every: Sequence[pictures.Picture], plan: DataPlan) -> NDArray[np.generic]:
    """The labels as `dataset.make` takes them: words, whole numbers, or a column each."""
    words = [[*picture.labels.values()] for picture in every]
    if plan.measured:
        return np.array(words, dtype=str)
    if len(words[0]) > 1:
        return np.array([[int(w) if w else dataset.UNLABELLED for w in row] for row in words])
    return _labels([word for (word,) in words])


def _labels(words: list[str]) -> NDArray[np.generic]:
    """Labels as words, or as integers if all are whole numbers, so that 10 comes after 9."""
    labels = set(words) - {""}
    if labels and discovery.whole(labels) and not any(v.startswith("-") for v in labels):
        return np.array([int(v) if v else dataset.UNLABELLED for v in words])
    return np.array(words, dtype=str)
