"""Folders of pictures with masks beside them: `images/NAME.jpg` and `masks/NAME.png`.

Both may be below `train` and `test`, and a file `classes.txt` may name the classes, one a line. A
picture without a mask has no label.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ssdgm_runtime import errors
from ssdgm_runtime.readers import images, maskfiles
from ssdgm_train.data import dataset, partnames, settings
from ssdgm_train.data.masks import arrays
from ssdgm_train.data.places import tree
from ssdgm_train.data.settings import DataPlan

PICTURES, MASKS, NAMES = "images", "masks", "classes.txt"


def is_there(names: Sequence[str]) -> bool:
    """Whether files, by relative names, are such a folder's."""
    tops = {tuple(name.split("/")[:2]) for name in names if "/" in name}
    folders = {top[0] for top in tops} | {
        top[1] for top in tops if partnames.part_of_folder(top[0]) in partnames.PARTS
    }
    return {PICTURES, MASKS} <= folders


def load(files: tree.Tree, name: str, plan: DataPlan) -> dataset.Dataset:
    """Read such a folder.

    Raises:
        DataError: A mask has no picture, or as `arrays.made`.
        MissingExtra: Pillow is not installed.
    """
    _check_said(files, plan)
    if plan.resize:
        raise errors.DataError(
            f"data.resize is {plan.resize!r}, and labels are masks",
            mend="Leave it out: pictures of any size are read, and masks stay as they are.",
        )
    tops = {n.split("/")[0] for n in files.names if "/" in n}
    parts = {
        part: top
        for top in sorted(tops)
        if (part := partnames.part_of_folder(top)) in partnames.PARTS
    }
    if parts and partnames.TRAIN not in parts:
        raise errors.DataError(f"{files.title} has test pictures and no folder train")
    read = {part: _part(tree.Below(files, top), plan) for part, top in parts.items()}
    train = read.get(partnames.TRAIN) or _part(files, plan)
    return arrays.made(name, train, read.get(partnames.TEST), plan, _names(files))


def _check_said(files: tree.Tree, plan: DataPlan) -> None:
    """Ask about pictures with masks, whose folders would else be two classes."""
    if plan.labels_as != settings.MASKS:
        raise errors.DataError(
            f"{files.title} has the folders {PICTURES} and {MASKS}",
            mend="If the second holds the masks of the first, a class for every place of a "
            "picture, say --labels-as masks; if these are two classes, give one another name.",
        )


def _part(files: tree.Tree, plan: DataPlan) -> arrays.Part:
    """The pictures of a folder and the mask of each."""
    pictures = [n for n in files.names if n.startswith(f"{PICTURES}/") and images.is_image(n)]
    masks = {_stem(n): n for n in files.names if n.startswith(f"{MASKS}/") and images.is_image(n)}
    if not pictures:
        raise errors.DataError(
            f"{files.title} has no pictures in {PICTURES}", mend=f"Put them into {PICTURES}."
        )
    alone = sorted(masks.keys() - {_stem(n) for n in pictures})
    if alone:
        raise errors.DataError(
            f"{tree.place(files, masks[alone[0]])} has no picture of its name in {PICTURES}",
            mend="Name masks like their pictures, or move them away.",
        )
    of = [masks.get(_stem(n)) for n in pictures]
    return arrays.Part(
        [_picture(files, n, plan) for n in pictures],
        [None if n is None else _mask(files, n) for n in of],
        [tree.place(files, mask or picture) for mask, picture in zip(of, pictures, strict=True)],
    )


def _stem(name: str) -> str:
    """The name of a file below its first folder, without its suffix."""
    return name.split("/", 1)[1].rpartition(".")[0]


def _picture(files: tree.Tree, name: str, plan: DataPlan) -> NDArray[np.uint8]:
    with files.open(name) as stream:
        return images.read(stream, tree.place(files, name), None, None, plan.colour)


def _mask(files: tree.Tree, name: str) -> NDArray[Any]:
    with files.open(name) as stream:
        return maskfiles.read(stream, tree.place(files, name))


def _names(files: tree.Tree) -> tuple[str, ...]:
    """The names of classes, if a file has them."""
    if NAMES not in files.names:
        return ()
    with files.open(NAMES) as stream:
        lines = stream.read(1 << 20).decode("utf-8", errors="replace").splitlines()
    names = tuple(line.strip() for line in lines if line.strip())
    if len({*names}) != len(names) or len(names) < 2:
        raise errors.DataError(
            f"{tree.place(files, NAMES)} has {len(names)} names, {len({*names})} different ones",
            "the name of a class on each line, that of class 0 first",
            "Correct it, or move it away.",
        )
    return names
