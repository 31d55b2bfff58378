"""Golden rows: what a bundle's graphs were given and what they gave, where it was made."""

import io
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ssdgm_runtime import errors, jsonfile
from ssdgm_runtime.bundle import contents
from ssdgm_runtime.rows import checks, npy
from ssdgm_runtime.rows.tensor import Tensor

Array = NDArray[Any]


def inputs(bundle: contents.Bundle, component: str) -> dict[str, Array]:
    """A graph's golden inputs and noise by name, [n, ...].

    Raises:
        IntegrityError: A file is missing or damaged.
        FormatError: One is not what the manifest describes.
    """
    return _read(bundle, f"golden/{component}", bundle.manifest.graphs[component].inputs)


def outputs(bundle: contents.Bundle, component: str, precision: str) -> dict[str, Array]:
    """What the graph gave for them in this precision, [n, ...]; errors as in `inputs`."""
    wanted = bundle.manifest.graphs[component].outputs
    return _read(bundle, f"golden/{component}/{precision}", wanted)


def _read(bundle: contents.Bundle, folder: str, tensors: Sequence[Tensor]) -> dict[str, Array]:
    arrays = {t.name: _array(bundle, f"{folder}/{t.name}.npy", t) for t in tensors}
    if len({len(array) for array in arrays.values()}) > 1:
        raise errors.FormatError(
            f"The arrays of {folder} have different lengths", mend=jsonfile.MEND
        )
    return arrays


def _array(bundle: contents.Bundle, name: str, tensor: Tensor) -> Array:
    data = bundle.read(name)
    try:
        npy.header(io.BytesIO(data), len(data))
        array: Array = np.load(io.BytesIO(data), allow_pickle=False)
    except Exception as error:  # numpy lets through whatever its parsers trip over
        raise errors.FormatError(
            f"{name} is not an .npy file ({error})", mend=jsonfile.MEND
        ) from None
    if array.dtype != np.dtype(tensor.dtype) or not checks.fits(tensor, array.shape):
        raise errors.FormatError(
            f"{name} is {array.dtype} {list(array.shape)}",
            f"{tensor.dtype} {list(tensor.shape)}, as the manifest says",
        )
    return array
