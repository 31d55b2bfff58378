"""`predict` of bundles whose labels are masks: pictures of any size in, masks out.

Image files are continued at their right and lower edges to a size that the graph takes, and their
masks are cut to what the file has; arrays must have such a size themselves.
"""

import io
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ssdgm_runtime import atomic, errors, model, replacing
from ssdgm_runtime.bundle import contents, rowfiles
from ssdgm_runtime.console import commands, outputs
from ssdgm_runtime.labels.segmentation import Segmentation
from ssdgm_runtime.pictures import png
from ssdgm_runtime.readers import images, inputs
from ssdgm_runtime.rows.tensor import Tensor

Json = dict[str, Any]
Mask = NDArray[np.uint8]
PathLike = atomic.PathLike

SPACE = "masks"
TABLES = (".csv", ".jsonl", ".parquet")
FILES = (".npz", ".png", *TABLES)
"""What is written: arrays, the one mask, or a table of shares; without a suffix a folder."""

PLACES = 1 << 22
"""Places of pictures that are computed at once."""


def predict(bundle: PathLike, rows: PathLike, out: PathLike | None = None, **given: Any) -> Json:  # noqa: ANN401
    """As `commands.classify`; of masks `out` may also be .npz, .png, or a folder of .png files.

    An .npz file has `masks` [n, height, width] of the classes' own values, or one array a file
    where pictures have several sizes.
    """
    opened = contents.open_bundle(bundle)
    if opened.manifest.space.space != SPACE:
        return commands.classify(bundle, rows, out, task="predict", **given)
    for option in ("keep", "probabilities"):
        if given.pop(option, None):
            raise errors.InputError(option, "given", "nothing where labels are masks")
    given.pop("top", None)
    force, size = (given.pop(key, None) for key in ("force", "batch_size"))
    suffix = _checked(out, bundle, rows, bool(force))
    with model.load(bundle, **given) as loaded:
        named = dict(_answered(loaded, rows, size))
        active = loaded.graphs.placement("classifier").active
        result = {
            "bundle": opened.manifest.name,
            "id": opened.id,
            "provider": active,
            "rows": len(named),
            "space": SPACE,
        }
    shares: Any = Listed(named)
    listed = outputs.Predictions(shares, loaded.space, tuple(named))
    if out is None:
        return {**result, "predictions": listed.records()}
    if suffix in TABLES:
        atomic.write(out, outputs.CLASSIFY[suffix](listed), force=bool(force))
    else:
        masks = {name: answer.masks[0] for name, answer in named.items()}
        _write(Path(out), suffix, masks, bool(force))
    return {**result, "output": str(out)}


class Listed:
    """The shares of classes in pictures of any sizes, as an answer has them."""

    def __init__(self, named: Mapping[str, Segmentation]) -> None:
        self.shares = [row for answer in named.values() for row in answer.shares]

    def __len__(self) -> int:
        return len(self.shares)


def _checked(out: PathLike | None, bundle: PathLike, rows: PathLike, force: bool) -> str:
    if out is None:
        return ""
    if not Path(out).suffix:
        atomic.apart(out, bundle=bundle, data=rows)
        if os.path.lexists(out) and not force:
            raise errors.OutputExists(f"{out} already exists", mend="Give another name with -o.")
        return ""
    return atomic.check_output(out, FILES, force=force, bundle=bundle, data=rows)


def _answered(
    loaded: model.Model, rows: PathLike, size: int | None
) -> Iterator[tuple[str, Segmentation]]:
    """The answer for each picture, by its name."""
    tensor = next(t for t in loaded.graphs.graph("classifier", "predict").inputs if t.name == "x")
    place = Path(rows)
    if not place.is_dir() and place.suffix.lower() not in images.SUFFIXES:
        about = loaded.graphs.bundle.manifest
        x = inputs.read_rows(rows, rowfiles.row(about, "classifier")).x
        step = size or max(1, PLACES // max(int(np.prod(x.shape[1:3])), 1))
        digits = len(str(max(len(x) - 1, 0)))
        for start in range(0, len(x), step):
            answer: Any = loaded.classify(x[start : start + step])
            for i in range(len(answer)):
                yield f"{start + i:0{digits}d}", answer.part(slice(i, i + 1))
        return
    for name, picture in _pictures(place, tensor):
        high, wide = picture.shape[:2]
        sides = zip(picture.shape, tensor.row, strict=True)
        short = [(0, -n % r if axis < 2 else 0) for axis, (n, r) in enumerate(sides)]
        whole: Any = loaded.classify(np.pad(picture, short, mode="edge")[None])
        yield name, Segmentation(whole.probs[..., :high, :wide], whole.label_names, whole.values)


def _pictures(place: Path, tensor: Tensor) -> Iterator[tuple[str, NDArray[np.uint8]]]:
    """The pictures of files, each with its name below the folder."""
    files = images.find(place) if place.is_dir() else [place]
    if not files:
        raise errors.DataNotFound(f"The folder {place} has no images")
    colour = "grey" if len(tensor.shape) == 3 else "rgb"
    for file in files:
        with open(file, "rb") as stream:
            picture = images.read(stream, str(file), None, None, colour)
        yield file.relative_to(place if place.is_dir() else place.parent).as_posix(), picture


def _write(out: Path, suffix: str, masks: Mapping[str, Mask], force: bool) -> None:
    """Masks as files of their classes' own values."""
    if suffix == ".png":
        if len(masks) != 1:
            raise errors.InputError(
                "out", repr(str(out)), f"a folder or an .npz file for {len(masks)} masks"
            )
        atomic.write(out, png.encode_png(next(iter(masks.values()))), force=force)
    elif suffix == ".npz":
        stream = io.BytesIO()
        one = len({mask.shape for mask in masks.values()}) == 1
        arrays: Mapping[str, Any] = (
            {"masks": np.stack([*masks.values()]), "names": np.array([*masks])} if one else masks
        )
        np.savez_compressed(stream, **arrays)
        atomic.write(out, stream.getvalue(), force=force)
    else:
        with replacing.folder(out, force=force) as folder:
            for name, mask in masks.items():
                file = (folder / name).with_suffix(".png")
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_bytes(png.encode_png(mask))
