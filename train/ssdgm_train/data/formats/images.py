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
from ssdgm_train.data.settings import DEFAULTS, DataPlan
from ssdgm_train.data.tables import discovery, labelfile

Pixels = NDArray[np.uint8]

UNKNOWN = ("unlabeled", "unlabelled", "-1")
"""What a folder of images without labels is called."""

_LITTER = ("thumbs.db", "desktop.ini")
_SHOWN = 4


@dataclass(frozen=True)
class Picture:
    """One image to be read: its name in the tree, its label ("" if unknown), its part."""

    name: str
    label: str
    split: str


def load(found: tree.Tree, name: str, plan: DataPlan = DEFAULTS) -> dataset.Dataset:
    """Read a folder of images.

    Args:
        found: The folder: a folder a class, perhaps below `train` and `test`, and `unlabeled` for
            images whose label is not known; or images and a `classes.csv`, see `labelfile`.
        name: What reports call it.
        plan: How they are to be read.

    Returns:
        uint8 rows [height, width], or [height, width, 3] if any image has colours, in the order of
        their names.

    Raises:
        DataError: Images or labels that cannot be trained on; it names a file.
        MissingExtra: Pillow is not installed.
    """
    pictures = sorted(_pictures(found), key=lambda p: p.split == "test")
    train = sum(p.split == "train" for p in pictures)
    _check_labels(found, pictures[:train], pictures[train:])
    x = read(found, [p.name for p in pictures], plan)
    y = _labels([p.label for p in pictures])
    x_test, y_test = (x[train:], y[train:]) if train < len(pictures) else (None, None)
    made = dataset.make(name, x[:train], y[:train], x_test, y_test, kind=problems.IMAGE)
    return dataclasses.replace(made, sorted=labelfile.NAME not in found.names)


def read(found: tree.Tree, names: Sequence[str], plan: DataPlan = DEFAULTS) -> Pixels:
    """The pixels of images, uint8 [n, height, width], with a last axis of 3 if any has colours."""
    resize = resizing.parse(plan.resize) if plan.resize else None
    pixels: Pixels | None = None
    for index, name in enumerate(names):
        with found.open(name) as stream:
            row = images.read(stream, tree.place(found, name), None, resize, plan.colour)
        if pixels is None:
            pixels = _room(found, len(names), row.shape)
        if row.shape[:2] != pixels.shape[1:3]:
            raise _mixed(found, names)
        if row.ndim > pixels.ndim - 1:
            greys, pixels = pixels, _room(found, len(names), row.shape)
            for start, some in store.pieces(greys[:index]):
                pixels[start : start + len(some)] = some[..., None]
                store.give_back(pixels)
        pixels[index] = row if row.ndim == pixels.ndim - 1 else row[..., None]
        store.give_back(pixels)
    assert pixels is not None
    return pixels


def _room(found: tree.Tree, count: int, shape: tuple[int, ...]) -> Pixels:
    return store.room((count, *shape), np.uint8, f"{found.title}, {count} images,")


def _mixed(found: tree.Tree, names: Sequence[str]) -> errors.DataError:
    counts: Counter[tuple[int, int]] = Counter()
    first: dict[tuple[int, int], str] = {}
    for name in names:
        with found.open(name) as stream:
            size = images.size(stream, tree.place(found, name))
        counts[size] += 1
        first.setdefault(size, name)
    told = [f"{h}x{w} ({n}, such as {first[h, w]})" for (h, w), n in counts.most_common(_SHOWN)]
    rest = f" and {len(counts) - _SHOWN} more" if len(counts) > _SHOWN else ""
    common = counts.most_common(1)[0][0]
    return errors.DataError(
        f"{found.title} has images of {len(counts)} sizes: {', '.join(told)}{rest}",
        "images of one size, height x width",
        f"Set data.resize, such as --set 'data.resize=crop {common[0]}x{common[1]}'.",
    )


def _labels(found: list[str]) -> NDArray[np.generic]:
    """Labels as they are, or as numbers where all are: then 10 comes after 9."""
    known = set(found) - {""}
    if known and discovery.whole(known) and not any(v.startswith("-") for v in known):
        return np.array([int(v) if v else dataset.UNLABELLED for v in found])
    return np.array(found, dtype=str)


def _check_labels(found: tree.Tree, train: list[Picture], test: list[Picture]) -> None:
    """Refuse what cannot be trained on before any pixel is read."""
    if not train:
        raise errors.DataError(
            f"{found.title} has no training images", "images below train, or in class folders"
        )
    classes = sorted({p.label for p in train} - {""})
    if len(classes) < 2:
        raise errors.DataError(
            f"{found.title} has {len(classes)} known classes {classes}",
            "at least two classes",
            "Label some images of every class.",
        )
    strange = next((p for p in test if p.label not in classes), None)
    if strange is not None:
        raise errors.DataError(
            f"{tree.place(found, strange.name)} has the label {strange.label!r}",
            f"one that training has, among {classes[:_SHOWN]}",
            "Every class of the test images needs training images.",
        )


def _pictures(found: tree.Tree) -> list[Picture]:
    if labelfile.NAME in found.names:
        return _listed(found)
    tops = {name.split("/")[0]: None for name in (*found.names, *found.empty) if "/" in name}
    tops |= dict.fromkeys(name for name in found.empty if "/" not in name)
    parts = {top: part for top in tops if (part := partnames.of_folder(top)) in partnames.PARTS}
    if not parts:
        return list(_classes(found, partnames.TRAIN))
    strange = [t for t in tops if t not in parts and t.lower() not in UNKNOWN]
    if strange:
        raise _strange(found, strange[0], " or ".join(parts))
    pictures: list[Picture] = []
    for top, part in parts.items():
        pictures += _part(tree.Below(found, top), top, part)
    loose = [n for n in found.names if n.split("/")[0].lower() in UNKNOWN]
    _check_loose(found)
    return pictures + [Picture(n, "", "train") for n in _images(found, loose)]


def _part(found: tree.Tree, folder: str, split: str) -> Iterator[Picture]:
    """The images of a part, by names relative to the folder that holds it."""
    here = _listed(found) if labelfile.NAME in found.names else _classes(found, split)
    for picture in here:
        if split == "test" and not picture.label:
            raise errors.DataError(
                f"{tree.place(found, picture.name)} has no label", "a label for every test row"
            )
        yield Picture(f"{folder}/{picture.name}", picture.label, split)


def _strange(found: tree.Tree, name: str, parts: str) -> errors.DataError:
    other = partnames.of_folder(name) == partnames.OTHER
    return errors.DataError(
        f"{tree.place(found, name)} lies beside {parts}",
        "train, test and unlabeled alone",
        "Move its images among the training images: validation rows are drawn from them."
        if other
        else "Move the classes among the training images.",
    )


def _classes(found: tree.Tree, split: str) -> Iterator[Picture]:
    """The images of class folders."""
    _check_loose(found)
    for empty in found.empty:
        if empty.lower() not in UNKNOWN:
            raise errors.DataError(
                f"{tree.place(found, empty)} is empty",
                "images of every class",
                "Remove the folder, or fill it.",
            )
    names = _images(found, [n for n in found.names if "/" in n])
    _check_inside(found, names)
    for name in names:
        label = name.split("/")[0]
        yield Picture(name, "" if label.lower() in UNKNOWN else label, split)


def _check_inside(found: tree.Tree, names: Sequence[str]) -> None:
    """Refuse class folders with train and test inside, whose rows would be mixed."""
    known = [name for name in names if name.split("/")[0].lower() not in UNKNOWN]
    said = {partnames.of_folder(name.split("/")[1]): name for name in known}
    if "" not in said and len(said) > 1:
        part, name = max(said.items(), key=lambda pair: pair[0] != partnames.TRAIN)
        raise errors.DataError(
            f"{tree.place(found, name)} lies in a folder for {part} rows inside a class",
            "train and test above the classes",
            "Move the images of each part into a folder that has the classes inside.",
        )


def _check_loose(found: tree.Tree) -> None:
    loose = next((n for n in found.names if "/" not in n and images.is_image(n)), None)
    if loose is not None:
        raise errors.DataError(
            f"{tree.place(found, loose)} lies in no class folder",
            "a folder for every class, or a labels.csv beside the images",
            "Move it into the folder of its class, or into unlabeled.",
        )


def _images(found: tree.Tree, names: Sequence[str]) -> list[str]:
    """The names, each of which must be an image's but for what desktops leave behind."""
    kept = [n for n in names if n.split("/")[-1].lower() not in _LITTER]
    for name in kept:
        if not images.is_image(name):
            raise errors.DataError(
                f"{tree.place(found, name)} is no image that is read",
                f"files named {', '.join(sorted(images.SUFFIXES))}",
                "Convert it, or move it away.",
            )
    return kept


def _listed(found: tree.Tree) -> list[Picture]:
    """The images that a labels.csv lists: all that are there, and no others."""
    listed = labelfile.read(found)
    files = set(found.names)
    there = {name for name in files if images.is_image(name)}
    missing = [row for row in listed if row.name not in files]
    place = tree.place(found, labelfile.NAME)
    if missing:
        raise errors.DataError(
            f"{place} lists {len(missing)} files that are not there, "
            f"first {missing[0].name!r} in line {missing[0].line}",
            "names as they are, with their suffix, relative to the folder of labels.csv",
        )
    _images(found, [row.name for row in listed])
    more = sorted(there - {row.name for row in listed})
    if more:
        raise errors.DataError(
            f"{place} does not list {len(more)} images, such as {more[0]!r}",
            "every image of the folder",
            "List it with an empty label, or move it away.",
        )
    named = {row.name: row for row in listed}
    return [Picture(n, named[n].label, named[n].split) for n in found.names if n in named]
