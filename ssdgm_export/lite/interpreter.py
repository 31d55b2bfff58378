"""A .tflite file in LiteRT's interpreter, called as every other engine is."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ssdgm_export.graphs import modules
from ssdgm_export.lite import program
from ssdgm_runtime.rows.tensor import Tensor

Array = NDArray[Any]
Arrays = dict[str, Array]


class Interpreter:
    """A graph in LiteRT, on its CPU kernels.

    Args:
        graph: What to call it in a message.
        data: The file.
        names: What the file calls each tensor, by its name in the graph; see `program.named`.
        threads: How many compute.

    Raises:
        MissingExtra: ai-edge-litert is not installed.
        LiteError: The interpreter has no kernel for some of what the file computes.
    """

    def __init__(
        self, graph: str, data: bytes, names: Mapping[str, str], threads: int = 1
    ) -> None:
        interpreter = program.package("ai_edge_litert.interpreter")
        try:
            self._engine: Any = interpreter.Interpreter(model_content=data, num_threads=threads)
            self._engine.allocate_tensors()
        except (ValueError, RuntimeError) as error:
            why = str(error).strip().splitlines()[0]
            raise program.unable(graph, why) from None
        inputs, outputs = _details(self._engine)
        own = {key: name for name, key in names.items()}
        self._given = {
            own[key]: (detail["index"], np.dtype(detail["dtype"]))
            for key, detail in inputs.items()
        }
        self._found = {own[key]: detail["index"] for key, detail in outputs.items()}
        self.inputs = {own[key]: _tensor(own[key], detail) for key, detail in inputs.items()}
        self.outputs = {own[key]: _tensor(own[key], detail) for key, detail in outputs.items()}
        self.batch = int(next(iter(inputs.values()))["shape"][0])

    def call(self, feeds: Mapping[str, Array]) -> Arrays:
        """Compute a batch of the size that the file has, and of no other."""
        for name, (index, dtype) in self._given.items():  # LiteRT has codes of 32 bits
            self._engine.set_tensor(index, feeds[name].astype(dtype, copy=False))
        self._engine.invoke()
        return {name: self._engine.get_tensor(index) for name, index in self._found.items()}

    def run(self, feeds: Mapping[str, Array]) -> Arrays:
        """Compute any number of rows, by as many calls as they need; the last repeats a row."""
        rows = len(next(iter(feeds.values())))
        if rows == self.batch:
            return self.call(feeds)
        parts = []
        for first in range(0, rows, self.batch):
            some = np.minimum(np.arange(first, first + self.batch), rows - 1)
            parts.append(self.call({name: array[some] for name, array in feeds.items()}))
        joined = {name: np.concatenate([part[name] for part in parts]) for name in self._found}
        return {name: array[:rows] for name, array in joined.items()}


def _details(engine: Any) -> tuple[dict[str, Any], dict[str, Any]]:  # noqa: ANN401
    """What the file says of its tensors; the runner that knows it must not outlive this."""
    runner = engine.get_signature_runner(program.SIGNATURE)
    return runner.get_input_details(), runner.get_output_details()


def _tensor(name: str, detail: Mapping[str, Any]) -> Tensor:
    return Tensor(
        name, np.dtype(detail["dtype"]).name, (modules.BATCH, *map(int, detail["shape"][1:]))
    )
