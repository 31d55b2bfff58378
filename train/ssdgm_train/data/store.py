"""Room for rows."""

import numpy as np
from numpy.typing import DTypeLike, NDArray


def room(shape: tuple[int, ...], dtype: DTypeLike, title: str) -> NDArray[np.generic]:
    """An array to be filled.

    Args:
        shape: Its shape.
        dtype: Its dtype.
        title: What messages call the data.
    """
    return np.empty(shape, dtype)
