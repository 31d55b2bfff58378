"""Files made by hand: IDX arrays, folders in the MNIST layout, digests of a changed bundle."""

import gzip
import hashlib
import struct
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray


def idx(array: NDArray[Any]) -> bytes:
    """An array of bytes as an IDX file."""
    header = struct.pack(f">HBB{array.ndim}I", 0, 8, array.ndim, *array.shape)
    return header + array.astype(np.uint8).tobytes()


def layout(place: Path, arrays: dict[str, NDArray[Any]], packed: bool = False) -> Path:
    """A folder of IDX files, plain or gzip, by their names."""
    place.mkdir()
    for name, array in arrays.items():
        content = gzip.compress(idx(array)) if packed else idx(array)
        (place / (f"{name}.gz" if packed else name)).write_bytes(content)
    return place


def reseal(folder: Path) -> None:
    """Make SHA256SUMS fit a changed bundle again, as somebody would who means harm."""
    apart = ("SHA256SUMS", "model.sig")
    files = sorted(p for p in folder.rglob("*") if p.is_file() and p.name not in apart)
    lines = [
        f"{hashlib.sha256(p.read_bytes()).hexdigest()}  {p.relative_to(folder).as_posix()}\n"
        for p in files
    ]
    (folder / "SHA256SUMS").write_text("".join(lines))
