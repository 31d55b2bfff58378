"""Which images a folder has, which labels each of them, and which part it belongs to."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ssdgm_runtime import errors
from ssdgm_runtime.readers import images
from ssdgm_train.data import partnames
from ssdgm_train.data.places import tree
from ssdgm_train.data.settings import DataPlan
from ssdgm_train.data.tables import labelfile

UNKNOWN = ("unlabeled", "unlabelled", "-1")
"""Names of a folder of images without labels."""

LABEL = "label"

_LITTER = ("thumbs.db", "desktop.ini")
_SHOWN = 4


@dataclass(frozen=True)
class Picture:
    """One image to read: its name in the tree, its labels ("" if unknown), its part."""

    name: str
    labels: dict[str, str]
    split: str

    @property
    def label(self) -> str:
        """The only label, or the first of them."""
        return next(iter(self.labels.values()))


def listed(files: tree.Tree, plan: DataPlan) -> list[Picture]:
    """Every image of a folder, with what is known of it.

    Raises:
        DataError: It cannot be told which labels they have; the message names a file.
    """
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
    unknown = dict.fromkeys(pictures[0].labels if pictures else (LABEL,), "")
    return pictures + [Picture(n, unknown, partnames.TRAIN) for n in _images(files, loose)]


def in_a_list(files: tree.Tree) -> bool:
    """Whether a labels.csv says which labels images have."""
    return any(name.split("/")[-1] == labelfile.NAME for name in files.names)


def names(files: tree.Tree, pictures: Sequence[Picture]) -> tuple[str, ...]:
    """The names of the labels, which each part must have alike where there are several."""
    first = tuple(pictures[0].labels) if pictures else ()
    for picture in pictures:
        if tuple(picture.labels) != first and max(len(first), len(picture.labels)) > 1:
            raise errors.DataError(
                f"{files.title} has images with the labels {', '.join(first)} and others, such as "
                f"{picture.name}, with {', '.join(picture.labels)}",
                "the same labels in every part",
                "Name the same columns in each labels.csv.",
            )
    return first


def check(files: tree.Tree, train: list[Picture], test: list[Picture], free: bool) -> None:
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
            _list_beside(files) or "Label some images of every class.",
        )
    strange = next((p for p in test if p.label not in classes), None)
    if strange is not None:
        raise errors.DataError(
            f"{tree.place(files, strange.name)} has the label {strange.label!r}, which no "
            f"training image has (their labels are {_shown(classes)})",
            mend="Every class of the test images needs training images.",
        )


def _list_beside(files: tree.Tree) -> str:
    """What to do with a table that lies beside the folders of images; "" where there is none."""
    beside = [n for n in files.names if "/" not in n and n.lower().endswith(".csv")]
    return f"If {beside[0]} says the labels, name it {labelfile.NAME}." if beside else ""


def _shown(words: Sequence[str]) -> str:
    return ", ".join(words[:_SHOWN]) + ", ..." * (len(words) > _SHOWN)


def _part(files: tree.Tree, folder: str, split: str, plan: DataPlan) -> Iterator[Picture]:
    """The images of a part, by names relative to the folder that holds it."""
    listed = labelfile.NAME in files.names
    here = _listed(files, plan) if listed else _classes(files, split, plan)
    for picture in here:
        if split == "test" and not any(picture.labels.values()):
            raise errors.DataError(
                f"{tree.place(files, picture.name)} is a test image without a label",
                mend="Label it, or move it among the training images.",
            )
        yield Picture(f"{folder}/{picture.name}", picture.labels, split)


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
        yield Picture(name, {LABEL: "" if unknown else label}, split)


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
    listed = labelfile.read(files, plan)
    images_here = {name for name in files.names if images.is_image(name)}
    place, where = tree.place(files, labelfile.NAME), _places(files.names)
    rows = {where.get(row.name, ""): row for row in listed}
    missing = [row for row in listed if row.name not in where]
    if missing:
        raise errors.DataError(
            f"{len(missing)} of the files that {place} lists do not exist, "
            f"first {missing[0].name!r} in line {missing[0].line}",
            mend="Write names with their suffix, relative to the folder of labels.csv.",
        )
    _images(files, [*rows])
    more = sorted(images_here - rows.keys())
    if more:
        raise errors.DataError(
            f"{place} lacks {len(more)} of the images next to it, such as {more[0]!r}",
            mend="List them with an empty label, or move them away.",
        )
    return [Picture(n, rows[n].labels, rows[n].split) for n in files.names if n in rows]


def _places(names: Sequence[str]) -> dict[str, str]:
    """Where a listed name lies: there, or in the one folder that has a file of that name."""
    bare = Counter(name.split("/")[-1] for name in names)
    inside = {base: n for n in names if bare[base := n.split("/")[-1]] == 1}
    return {**inside, **{name: name for name in names}}
