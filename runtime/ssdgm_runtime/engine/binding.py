"""Arrays that have a twin on a GPU, for calls that go through several graphs.

A session copies every input to the GPU and every output back. Where one call runs several graphs,
as reconstruct does, the inputs of one are inputs or outputs of another: within `kept`, they are
bound to the twin that is there already. Outside of it sessions run as they are.
"""

import threading
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ssdgm_runtime.engine import providers

Array = NDArray[Any]
Ort = Any  # the engine has no stubs

_MOST = 8
"""How many twins are kept: those of one call in one piece, so that memory does not grow."""
_local = threading.local()
_NOTHING = nullcontext()


class Bound:
    """An engine's session on a device; runs as the session does, and knows twins.

    Args:
        ort: The engine.
        session: Its session.
        device: The device's word in the engine, such as `cuda`.
        index: Which of these devices, from 0.
    """

    def __init__(self, ort: Ort, session: Ort, device: str, index: int) -> None:
        self._ort, self._session, self._place = ort, session, (device, index)

    def run(self, names: Sequence[str], feeds: Mapping[str, Array], _: None = None) -> list[Array]:
        """The outputs of these names, as the session's own `run` gives them."""
        twins = getattr(_local, "twins", None)
        if twins is None:
            outputs: list[Array] = self._session.run(names, feeds)
            return outputs
        binding = self._session.io_binding()
        for name, array in feeds.items():
            binding.bind_ortvalue_input(name, self._twin(array, twins))
        for name in names:
            binding.bind_output(name, *self._place)
        binding.synchronize_inputs()
        self._session.run_with_iobinding(binding)
        values = binding.get_outputs()
        arrays = [value.numpy() for value in values]
        for array, value in zip(arrays, values, strict=True):
            self._keep(array, value, twins)
        return arrays

    def _twin(self, array: Array, twins: dict[Any, Any]) -> Ort:
        key = (id(array), self._place)
        if key not in twins:
            whole = np.ascontiguousarray(array)
            value = self._ort.OrtValue.ortvalue_from_numpy(whole, *self._place)
            self._keep(array, value, twins)
        return twins[key][1]

    def _keep(self, array: Array, value: Ort, twins: dict[Any, Any]) -> None:
        twins[(id(array), self._place)] = (array, value)  # a kept array's id is nobody else's
        while len(twins) > _MOST:
            del twins[next(iter(twins))]


class _Kept:
    """The twins of one call in one thread."""

    def __enter__(self) -> None:
        self._before = getattr(_local, "twins", None)
        _local.twins = {}

    def __exit__(self, *_: object) -> None:
        _local.twins = self._before


def wrap(ort: Ort, session: Ort, provider: str, options: Mapping[str, str]) -> Ort:
    """A session that knows twins, if its provider is one of NVIDIA's; else the session itself."""
    if provider not in providers.NVIDIA:
        return session
    return Bound(ort, session, "cuda", int(options.get("device_id", 0)))


def kept(provider: str) -> AbstractContextManager[None]:
    """Keep twins for the calls within, in this thread; nothing, where the provider needs none.

    The arrays that go through the calls within must not be changed there.
    """
    return _Kept() if provider in providers.NVIDIA else _NOTHING
