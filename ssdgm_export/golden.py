"""Golden rows: inputs with the outputs they must give, so that a bundle can check itself anywhere.

The rows come from the model's own decoder and from a random generator, never from the training
data, unless the caller asks for it.
"""

import io
from collections.abc import Mapping

import numpy as np
import torch

from ssdgm_export import graphs, parity
from ssdgm_runtime import manifest, noise

ROWS = 16
SEED = 1


def rows(found: Mapping[str, graphs.Graph], low: float, high: float) -> parity.Array:
    """Rows in the data's own dtype and range: half decoded, if there is a decoder, half uniform.

    Args:
        found: The model's graphs, among them the classifier or the encoder.
        low: The smallest value of the data's range.
        high: The largest.
    """
    spec = _x(found)
    rng = np.random.Generator(np.random.Philox(SEED))
    drawn = rng.uniform(low, high, (ROWS, *spec.row)).astype(np.float32)
    if "decoder" in found:
        drawn[: ROWS // 2] = _decoded(found["decoder"])
    whole = np.issubdtype(np.dtype(spec.dtype), np.integer)
    return (drawn.clip(low, high).round() if whole else drawn).astype(spec.dtype)


def files(found: Mapping[str, graphs.Graph], x: parity.Array, precision: str) -> dict[str, bytes]:
    """The files under `golden/`: each graph's inputs and, by precision, torch's outputs."""
    result: dict[str, bytes] = {}
    with parity.one_thread():
        for name, graph in found.items():
            feeds = parity.feed(graph, found, x, SEED)
            outputs = parity.reference(graph, feeds)
            result |= {f"golden/{name}/{k}.npy": _npy(v) for k, v in feeds.items()}
            result |= {f"golden/{name}/{precision}/{k}.npy": _npy(v) for k, v in outputs.items()}
    return result


def _x(found: Mapping[str, graphs.Graph]) -> manifest.Tensor:
    inputs = (spec for graph in found.values() for spec in graph.spec.inputs)
    return next(spec for spec in inputs if spec.name == "x")


def _decoded(decoder: graphs.Graph) -> parity.Array:
    half = ROWS // 2
    feeds = {s.name: noise.draw(SEED, s.name, half, s.width) for s in decoder.spec.inputs}
    if "y" in feeds:
        width = feeds["y"].shape[1]
        feeds["y"] = np.eye(width, dtype=np.float32)[np.arange(half) % width]
    with parity.one_thread(), torch.inference_mode():
        return parity.reference(decoder, feeds)["x"]


def _npy(array: parity.Array) -> bytes:
    stream = io.BytesIO()
    np.save(stream, np.ascontiguousarray(array), allow_pickle=False)
    return stream.getvalue()
