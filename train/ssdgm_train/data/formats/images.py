"""Images in folders, one a class, or in one folder with a labels.csv."""

import dataclasses
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ssdgm_runtime import errors
from ssdgm_runtime.readers import images
from ssdgm_runtime.rows import resizing
from ssdgm_train import problems
from ssdgm_train.data import dataset, partnames, store
from ssdgm_train.data.places import tree
from ssdgm_train.data.settings import DEFAULTS, NUMBERS, ONE_CLASS, DataPlan
from ssdgm_train.data.tables import discovery, labelfile

Pixels = NDArray[np.uint8]

UNKNOWN = ("unlabeled", "unlabelled", "-1")
"""Names of a folder of images without labels."""

_LITTER = ("thumbs.db", "desktop.ini")
_SHOWN = 4


@dataclass(frozen=True)
class Picture:
    """One image to read: its name in the tree, its label ("" if unknown), its part."""

    name: str
    label: str
    split: str


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
    measured = plan.labels_as == NUMBERS
    pictures = sorted(_pictures(files, plan), key=lambda p: p.split == "test")
    train = sum(p.split == "train" for p in pictures)
    free = measured or plan.labels_as == ONE_CLASS
    _check_labels(files, pictures[:train], pictures[train:], free)
    x = read_pixels(files, [p.name for p in pictures], plan)
    words = [p.label for p in pictures]
    y = np.array(words, dtype=str) if measured else _labels(words)
    x_test, y_test = (x[train:], y[train:]) if train < len(pictures) else (None, None)
    rows = x[:train], y[:train], x_test, y_test
    made = dataset.make(
        name, *rows, kind=problems.IMAGE, finds=plan.finds, labels_as=plan.labels_as
    )
    return dataclasses.replace(made, sorted=labelfile.NAME not in files.names)


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


def _labels(words: list[str]) -> NDArray[np.generic]:
    """Labels as words, or as integers if all are whole numbers, so that 10 comes after 9."""
    labels = set(words) - {""}
    if labels and discovery.whole(labels) and not any(v.startswith("-") for v in labels):
        return np.array([int(v) if v else dataset.UNLABELLED for v in words])
    return np.array(words, dtype=str)


def _check_labels(files: tree.Tree, train: list[Picture], test: list[Picture], free: bool) -> None:
    """Check that there are rows, and of classes the labels, before any pixel is read.

    `free` labels need not be two classes, nor those of training rows.
    """
    if not train:
        raise errors.DataError(
            f"{files.title} has no training images",
            mend="Put images into class folders, at the top or below train.",
        )
    if free:
        return
    classes = sorted({p.label for p in train} - {""})
    if len(classes) < 2:
        raise errors.DataError(
            f"The labelled training images of {files.title} have the classes {classes}",
            "at least two",
            "Label some images of every class.",
        )
    strange = next((p for p in test if p.label not in classes), None)
    if strange is not None:
        raise errors.DataError(
            f"{tree.place(files, strange.name)} has the label {strange.label!r}, which no "
            f"training image has (their labels are {_shown(classes)})",
            mend="Every class of the test images needs training images.",
        )


def _shown(words: Sequence[str]) -> str:
    return ", ".join(words[:_SHOWN]) + ", ..." * (len(words) > _SHOWN)


def _pictures(files: tree.Tree, plan: DataPlan) -> list[Picture]:
    if labelfile.NAME in files.names:
        return _listed(files, plan)
    tops = {name.split("/")[0]: None for name in (*files.names, *files.empty) if "/" in name}
    tops |= dict.fromkeys(name for name in files.empty if "/" not in name)
    parts = {
        top: part for top in tops if (part := partnames.part_of_folder(top)) in partnames.PARTS
    }
    if not parts:
        return list(_classes(files, partnames.TRAIN, plan))
    strange = [t for t in tops if t not in parts and t.lower() not in UNKNOWN]
    if strange:
        raise _misplaced(files, strange[0], " or ".join(parts))
    pictures: list[Picture] = []
    for top, part in parts.items():
        pictures += _part(tree.Below(files, top), top, part, plan)
    loose = [n for n in files.names if n.split("/")[0].lower() in UNKNOWN]
    _check_loose(files)
    return pictures + [Picture(n, "", "train") for n in _images(files, loose)]


def _part(files: tree.Tree, folder: str, split: str, plan: DataPlan) -> Iterator[Picture]:
    """The images of a part, by names relative to the folder that holds it."""
    listed = labelfile.NAME in files.names
    here = _listed(files, plan) if listed else _classes(files, split, plan)
    for picture in here:
        if split == "test" and not picture.label:
            raise errors.DataError(
                f"{tree.place(files, picture.name)} is a test image without a label",
                mend="Label it, or move it among the training images.",
            )
        yield Picture(f"{folder}/{picture.name}", picture.label, split)


def _misplaced(files: tree.Tree, name: str, parts: str) -> errors.DataError:
    other = partnames.part_of_folder(name) == partnames.OTHER
    return errors.DataError(
        f"{tree.place(files, name)} is next to {parts}, where only train, test and unlabeled are "
        "allowed",
        mend="Move its images among the training images: validation rows are drawn from them."
        if other
        else "Move the class folders into train.",
    )


def _classes(files: tree.Tree, split: str, plan: DataPlan) -> Iterator[Picture]:
    """The images of class folders."""
    _check_loose(files)
    for empty in files.empty:
        if empty.lower() not in UNKNOWN:
            raise errors.DataError(
                f"{tree.place(files, empty)} is an empty folder",
                mend="Remove it, or put images of its class into it.",
            )
    names = _images(files, [n for n in files.names if "/" in n])
    _check_inside(files, names)
    for name in names:
        label = name.split("/")[0]
        unknown = label.lower() in UNKNOWN or label in plan.unlabelled
        yield Picture(name, "" if unknown else label, split)


def _check_inside(files: tree.Tree, names: Sequence[str]) -> None:
    """Refuse class folders with train and test inside, whose rows would be mixed."""
    labelled = [name for name in names if name.split("/")[0].lower() not in UNKNOWN]
    said = {partnames.part_of_folder(name.split("/")[1]): name for name in labelled}
    if "" not in said and len(said) > 1:
        part, name = max(said.items(), key=lambda pair: pair[0] != partnames.TRAIN)
        raise errors.DataError(
            f"{tree.place(files, name)} is in a folder of {part} rows inside a class folder",
            mend="Put the folders train and test at the top, and the class folders inside them.",
        )


def _check_loose(files: tree.Tree) -> None:
    loose = next((n for n in files.names if "/" not in n and images.is_image(n)), None)
    if loose is not None:
        raise errors.DataError(
            f"{tree.place(files, loose)} is not in a class folder",
            mend="Move it into the folder of its class or into unlabeled, or list all images in a "
            "labels.csv next to them.",
        )


def _images(files: tree.Tree, names: Sequence[str]) -> list[str]:
    """The names without files that desktops leave behind; all others must be images."""
    kept = [n for n in names if n.split("/")[-1].lower() not in _LITTER]
    for name in kept:
        if not images.is_image(name):
            raise errors.DataError(
                f"{tree.place(files, name)} is not an image file that can be read",
                f"one of {', '.join(sorted(images.SUFFIXES))}",
                "Convert it, or move it away.",
            )
    return kept


def _listed(files: tree.Tree, plan: DataPlan) -> list[Picture]:
    """The images that a labels.csv lists, which must be exactly those that are there."""
    listed = labelfile.read(files, plan.labels_as == NUMBERS, plan.unlabelled)
    present = set(files.names)
    there = {name for name in present if images.is_image(name)}
    missing = [row for row in listed if row.name not in present]
    place = tree.place(files, labelfile.NAME)
    if missing:
        raise errors.DataError(
            f"{len(missing)} of the files that {place} lists do not exist, "
            f"first {missing[0].name!r} in line {missing[0].line}",
            mend="Write names with their suffix, relative to the folder of labels.csv.",
        )
    _images(files, [row.name for row in listed])
    more = sorted(there - {row.name for row in listed})
    if more:
        raise errors.DataError(
            f"{place} lacks {len(more)} of the images next to it, such as {more[0]!r}",
            mend="List them with an empty label, or move them away.",
        )
    rows = {row.name: row for row in listed}
    return [Picture(n, rows[n].label, rows[n].split) for n in files.names if n in rows]
