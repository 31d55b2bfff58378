"""Build the bundles that the runtime's tests use, with nothing but numpy and onnx.

    python tests/runtime/build.py

writes them to `tests/runtime/data`, which is checked in, so that the tests need no onnx. `tiny` is
an M2 on uint8 images with a binomial likelihood; `noisy` is a model of float32 columns with a
Gaussian likelihood and a noise input in every graph. `tagged` has tags for labels; `mixture` has a
graph that gives z from the label and one that scores rows; the decoder of `adversary` takes no z;
labels of `measured` are numbers, and those of `watchful` say which rows are outliers. Those of
`listed`, a table, and `several`, of views, are not written.
"""

import hashlib
import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

DATA = Path(__file__).parent / "data"
ROWS = 6
IR, OPSET = 10, 18
Json = dict[str, Any]
Nodes = list[tuple[str, list[str], list[str], Json]]


def tiny(latents: int = 2) -> dict[str, bytes]:
    """The files of the first bundle: x uint8 [n, 4, 4] in 0..16, three classes."""
    rng = np.random.default_rng(0)
    weights = {
        "scale": np.float32(1 / 16),
        "half": np.float32(0.5),
        "flat": np.array([-1, 16]),
        "square": np.array([-1, 4, 4]),
        "total": np.float32(16),
        **_dense(rng, "c0", 16, 8, 4),
        **_dense(rng, "c1", 8, 3, 2),
        **_dense(rng, "e0", 19, 8),
        **_dense(rng, "e1", 8, latents),
        **_dense(rng, "e2", 8, latents),
        **_dense(rng, "d0", 3 + latents, 8),
        **_dense(rng, "d1", 8, 16),
    }
    pixels: Nodes = [
        ("Cast", ["x"], ["float"], {"to": 1}),
        ("Reshape", ["float", "flat"], ["flat_x"], {}),
        ("Mul", ["flat_x", "scale"], ["shares"], {}),
        ("Sub", ["shares", "half"], ["h"], {}),
    ]
    x, y, z = ("x", "uint8", (4, 4)), ("y", "float32", (3,)), ("z", "float32", (latents,))
    decode: Nodes = [
        ("Concat", ["y", "z"], ["yz"], {"axis": 1}),
        *_hidden("yz", "d0", "d"),
        *_linear("d", "d1", "flat_logits"),
        ("Sigmoid", ["flat_logits"], ["flat_probs"], {}),
        ("Reshape", ["flat_probs", "square"], ["probs"], {}),
        ("Mul", ["probs", "total"], ["x"], {}),
    ]
    graphs = {
        "classifier": (pixels + _classify("h"), [x], _classes(3)),
        "encoder": (pixels + _encode(["h", "y"]), [x, y], _normal(latents)),
        "decoder": (decode, [y, z], [("x", "float32", (4, 4)), ("probs", "float32", (4, 4))]),
    }
    about = {
        "labels": {
            "space": "classes",
            "names": ["zero", "one", "two"],
            "values": [10, 20, 30],
            "prior": [0.5, 0.25, 0.25],
        },
        "likelihood": {"name": "binomial", "total": 16, "low": 0, "step": 1},
        "input": {"shape": [4, 4], "dtype": "uint8", "range": [0, 16]},
    }
    return _files("tiny", weights, graphs, about, {"decoder": ["z"]})


def noisy() -> dict[str, bytes]:
    """The files of the second: x float32 [n, 3], two classes, a noise input `a` in each graph."""
    rng = np.random.default_rng(1)
    weights = {
        **_dense(rng, "c0", 4, 6, 2),
        **_dense(rng, "c1", 6, 2),
        **_dense(rng, "e0", 6, 6),
        **_dense(rng, "e1", 6, 2),
        **_dense(rng, "e2", 6, 2),
        **_dense(rng, "d0", 5, 6),
        **_dense(rng, "d1", 6, 3),
        **_dense(rng, "d2", 6, 3),
    }
    x, y, z, a = (("x", "float32", (3,)), ("y", "float32", (2,)), ("z", "float32", (2,)), _A)
    decode = _columns(["y", "z", "a"])
    join: Nodes = [("Concat", ["x", "a"], ["h"], {"axis": 1})]
    graphs = {
        "classifier": (join + _classify("h"), [x, a], _classes(2)),
        "encoder": (_encode(["x", "a", "y"]), [x, y, a], _normal(2)),
        "decoder": (decode, [y, z, a], _COLUMNS),
    }
    about = {
        "labels": {
            "space": "classes",
            "names": ["no", "yes"],
            "values": ["no", "yes"],
            "prior": [0.5, 0.5],
        },
        "likelihood": {"name": "gaussian"},
        "input": {"shape": [3], "dtype": "float32"},
    }
    return _files("noisy", weights, graphs, about, {key: ["a"] for key in graphs})


def tagged() -> dict[str, bytes]:
    """The files of the third: x float32 [n, 3], three tags, an M2 with further decoder noise."""
    rng = np.random.default_rng(3)
    weights = {
        **_dense(rng, "c0", 3, 6, 2),
        **_dense(rng, "c1", 6, 3, 2),
        **_dense(rng, "e0", 6, 6),
        **_dense(rng, "e1", 6, 2),
        **_dense(rng, "e2", 6, 2),
        **_dense(rng, "d0", 6, 6),
        **_dense(rng, "d1", 6, 3),
        **_dense(rng, "d2", 6, 3),
    }
    x, y, z = (("x", "float32", (3,)), ("y", "float32", (3,)), ("z", "float32", (2,)))
    sigmoid: Nodes = [("Sigmoid", ["logits"], ["probs"], {})]
    tag: Nodes = [*_hidden("x", "c0", "c"), *_linear("c", "c1", "logits"), *sigmoid]
    graphs = {
        "classifier": (tag, [x], _classes(3)),
        "encoder": (_encode(["x", "y"]), [x, y], _normal(2)),
        "decoder": (_columns(["y", "z", "a"]), [y, z, _A], _COLUMNS),
    }
    about = {
        "labels": {
            "space": "tags",
            "names": ["red", "round", "ripe"],
            "prior": [0.5, 0.25, 0.75],
            "threshold": [0.5, 0.4, 0.6],
        },
        "likelihood": {"name": "gaussian"},
    }
    return _files("tagged", weights, graphs, about, {"decoder": ["z", "a"]})


def measured() -> dict[str, bytes]:
    """The files of the sixth: x float32 [n, 3], two numbers for labels, an M2."""
    rng = np.random.default_rng(6)
    weights = {
        **_dense(rng, "c0", 3, 6),
        **_dense(rng, "c1", 6, 2),
        **_dense(rng, "c2", 6, 2),
        **_dense(rng, "e0", 5, 6),
        **_dense(rng, "e1", 6, 2),
        **_dense(rng, "e2", 6, 2),
        **_dense(rng, "d0", 4, 6),
        **_dense(rng, "d1", 6, 3),
        **_dense(rng, "d2", 6, 3),
        "unit": np.float32([20.0, 0.5]),
        "centre": np.float32([300.0, -1.0]),
    }
    x, y, z = (("x", "float32", (3,)), ("y", "float32", (2,)), ("z", "float32", (2,)))
    standard: Nodes = [("Sub", ["y", "centre"], ["off"], {}), ("Div", ["off", "unit"], ["t"], {})]
    predict: Nodes = [
        *_hidden("x", "c0", "c"),
        *_linear("c", "c1", "t_mean"),
        *_linear("c", "c2", "t_log"),
        ("Exp", ["t_log"], ["t_scale"], {}),
        ("Mul", ["t_mean", "unit"], ["own"], {}),
        ("Add", ["own", "centre"], ["mean"], {}),
        ("Mul", ["t_scale", "unit"], ["scale"], {}),
    ]
    outputs = [(name, "float32", (2,)) for name in ("mean", "scale")]
    graphs = {
        "classifier": (predict, [x], outputs),
        "encoder": (standard + _encode(["x", "t"]), [x, y], _normal(2)),
        "decoder": (standard + _columns(["t", "z"]), [y, z], _COLUMNS),
    }
    about = {
        "labels": {
            "space": "numbers",
            "names": ["heat", "age"],
            "mean": [300.0, -1.0],
            "deviation": [20.0, 0.5],
        },
        "likelihood": {"name": "gaussian"},
    }
    return _files("measured", weights, graphs, about, {"decoder": ["z"]})


def watchful() -> dict[str, bytes]:
    """The files of the seventh: x float32 [n, 3], and a score by which rows are outliers."""
    weights = _dense(np.random.default_rng(7), "s0", 3, 1)
    x, score = ("x", "float32", (3,)), ("score", "float32", (1,))
    nodes: Nodes = [*_linear("x", "s0", "h"), ("Abs", ["h"], ["score"], {})]
    about = {
        "labels": {
            "space": "one-class",
            "names": ["normal", "outlier"],
            "unit": "nats",
            "threshold": 0.5,
            "false_alarms": 0.05,
            "levels": [0.0, 0.5, 0.95, 1.0],
            "values": [0.0, 0.2, 0.5, 2.0],
        },
        "likelihood": None,
    }
    return _files("watchful", weights, {"classifier": (nodes, [x], [score])}, about, {})


def masked() -> dict[str, bytes]:
    """The files of the eighth: pictures uint8 of any size, three classes at every place."""
    weights = {
        "axis": np.int64([1]),
        "w": np.float32([-0.5, 0.0, 0.5]).reshape(3, 1, 1, 1),
        "b": np.float32([4.0, 0.0, -4.0]),
        "paint": np.float32([0.0, 8.0, 16.0]).reshape(1, 3, 1, 1),
    }
    sides = ("2*height", "2*width")
    x, y = ("x", "uint8", sides), ("y", "float32", (3, *sides))
    segment: Nodes = [
        ("Cast", ["x"], ["float"], {"to": 1}),
        ("Unsqueeze", ["float", "axis"], ["map"], {}),
        ("Conv", ["map", "w", "b"], ["logits"], {"kernel_shape": [1, 1]}),
        ("Softmax", ["logits"], ["probs"], {"axis": 1}),
    ]
    painted: Nodes = [
        ("Mul", ["y", "paint"], ["each"], {}),
        ("ReduceSum", ["each", "axis"], ["x"], {"keepdims": 0}),
    ]
    graphs = {
        "classifier": (segment, [x], [("probs", "float32", (3, *sides))]),
        "decoder": (painted, [y], [("x", "float32", sides)]),
    }
    about = {
        "labels": {
            "space": "masks",
            "names": ["ground", "grey", "white"],
            "values": [0, 7, 9],
            "stride": 2,
        },
        "likelihood": {"name": "gaussian"},
    }
    return _files("masked", weights, graphs, about, {})


def listed() -> dict[str, bytes]:
    """The files of a bundle of tables: two numbers, a category, a boolean; two classes."""
    rng = np.random.default_rng(8)
    weights = {
        "one": np.float32(1),
        **_dense(rng, "c0", 4, 6, 2),
        **_dense(rng, "c1", 6, 2),
    }
    x, codes = ("x", "float32", (2,)), ("codes", "int64", (2,))
    nodes: Nodes = [
        ("IsNaN", ["x"], ["lacks"], {}),
        ("Where", ["lacks", "one", "x"], ["filled"], {}),
        ("Cast", ["codes"], ["kinds"], {"to": 1}),
        ("Concat", ["filled", "kinds"], ["h"], {"axis": 1}),
        *_classify("h"),
    ]
    about = {
        "labels": {"space": "classes", "names": ["a", "b"], "values": [0, 1], "prior": [0.5, 0.5]},
        "columns": [
            {"name": "age", "kind": "number"},
            {"name": "height", "kind": "number"},
            {"name": "colour", "kind": "category", "categories": ["red", "blue"]},
            {"name": "member", "kind": "boolean", "categories": ["false", "true"]},
        ],
    }
    return _files("listed", weights, {"classifier": (nodes, [x, codes], _classes(2))}, about, {})


def several() -> dict[str, bytes]:
    """The files of a bundle of two views, bytes [2, 2] and numbers [3]; two classes."""
    rng = np.random.default_rng(9)
    weights = {
        "one": np.float32(1),
        "flat": np.array([-1, 4]),
        **_dense(rng, "c0", 7, 6, 2),
        **_dense(rng, "c1", 6, 2),
    }
    views = [("x.seen", "float32", (2, 2)), ("x.heard", "float32", (3,))]
    nodes: Nodes = [("Reshape", ["x.seen", "flat"], ["seen"], {})]
    for source, target in (("seen", "s"), ("x.heard", "h")):
        nodes.append(("IsNaN", [source], [f"no_{target}"], {}))
        nodes.append(("Where", [f"no_{target}", "one", source], [f"all_{target}"], {}))
    nodes += [("Concat", ["all_s", "all_h"], ["h"], {"axis": 1}), *_classify("h")]
    about = {
        "labels": {"space": "classes", "names": ["a", "b"], "values": [0, 1], "prior": [0.5, 0.5]},
        "views": [
            {"name": "seen", "shape": [2, 2], "dtype": "uint8"},
            {"name": "heard", "shape": [3], "dtype": "float32"},
        ],
    }
    return _files("several", weights, {"classifier": (nodes, views, _classes(2))}, about, {})


def mixture() -> dict[str, bytes]:
    """The files of the fourth: two classes and a component that was found, p(z|y), and a score."""
    rng = np.random.default_rng(4)
    weights = {
        **_dense(rng, "c0", 4, 6, 2),
        **_dense(rng, "c1", 6, 3),
        **_dense(rng, "e0", 7, 6),
        **_dense(rng, "e1", 6, 2),
        **_dense(rng, "e2", 6, 2),
        **_dense(rng, "p0", 5, 2, 2),
        **_dense(rng, "d0", 3, 6),
        **_dense(rng, "d1", 6, 3),
        **_dense(rng, "d2", 6, 3),
        **_dense(rng, "s0", 4, 1),
    }
    x, y, z = (("x", "float32", (3,)), ("y", "float32", (3,)), ("z", "float32", (2,)))
    eps = ("eps_z", "float32", (2,))
    join: Nodes = [("Concat", ["x", "a"], ["h"], {"axis": 1})]
    prior: Nodes = [("Concat", ["y", "eps_z"], ["h"], {"axis": 1}), *_linear("h", "p0", "z")]
    graphs = {
        "classifier": (join + _classify("h"), [x, _A], _classes(3)),
        "encoder": (_encode(["x", "y", "a"]), [x, y, _A], _normal(2)),
        "prior": (prior, [y, eps], [z]),
        "decoder": (_columns(["z", "a"]), [z, _A], _COLUMNS),
        "scorer": (join + _linear("h", "s0", "score"), [x, _A], [("score", "float32", (1,))]),
    }
    about = {
        "labels": {
            "space": "classes",
            "names": ["no", "yes", "unlabelled 1"],
            "values": ["no", "yes", "unlabelled 1"],
            "prior": [0.25, 0.25, 0.5],
            "labelled": 2,
            "class_of": [0, 1, None],
        },
        "classifier": {"draws": 1},
        "likelihood": {"name": "gaussian"},
    }
    noise = {key: ["a"] for key in graphs} | {"prior": ["eps_z"]}
    return _files("mixture", weights, graphs, about, noise)


def adversary() -> dict[str, bytes]:
    """The files of the fifth: nothing but a decoder of noise and a label."""
    rng = np.random.default_rng(5)
    weights = {**_dense(rng, "d0", 3, 6), **_dense(rng, "d1", 6, 3), **_dense(rng, "d2", 6, 3)}
    y = ("y", "float32", (2,))
    graphs = {"decoder": (_columns(["y", "a"]), [y, _A], _COLUMNS)}
    about = {
        "labels": {
            "space": "classes",
            "names": ["no", "yes"],
            "values": [0, 1],
            "prior": [0.5, 0.5],
        },
        "likelihood": {"name": "gaussian"},
    }
    return _files("adversary", weights, graphs, about, {"decoder": ["a"]})


_A = ("a", "float32", (1,))
_COLUMNS = [(name, "float32", (3,)) for name in ("x", "mean", "scale")]


def _columns(parts: list[str]) -> Nodes:
    """A decoder of three numbers."""
    return [
        ("Concat", parts, ["yz"], {"axis": 1}),
        *_hidden("yz", "d0", "d"),
        *_linear("d", "d1", "mean"),
        *_linear("d", "d2", "log_scale"),
        ("Exp", ["log_scale"], ["scale"], {}),
        ("Identity", ["mean"], ["x"], {}),
    ]


def sums(files: Mapping[str, bytes]) -> bytes:
    """SHA256SUMS for these files."""
    names = sorted(name for name in files if name != "SHA256SUMS")
    lines = [f"{hashlib.sha256(files[name]).hexdigest()}  {name}\n" for name in names]
    return "".join(lines).encode()


def write(folder: Path, files: Mapping[str, bytes]) -> Path:
    """Write a bundle's files below a folder."""
    for name, data in files.items():
        place = folder / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(data)
    return folder


def _dense(
    rng: np.random.Generator, name: str, n: int, m: int, gain: int = 1
) -> dict[str, np.ndarray]:
    return {
        f"{name}.w": (rng.standard_normal((n, m)) * 2 * gain / np.sqrt(n)).astype(np.float32),
        f"{name}.b": rng.standard_normal(m).astype(np.float32) / 2,
    }


def _linear(source: str, name: str, target: str) -> Nodes:
    return [("Gemm", [source, f"{name}.w", f"{name}.b"], [target], {})]


def _hidden(source: str, name: str, target: str) -> Nodes:
    return [*_linear(source, name, f"{target}_pre"), ("Tanh", [f"{target}_pre"], [target], {})]


def _classify(source: str) -> Nodes:
    softmax: Nodes = [("Softmax", ["logits"], ["probs"], {"axis": 1})]
    return [*_hidden(source, "c0", "c"), *_linear("c", "c1", "logits"), *softmax]


def _encode(parts: list[str]) -> Nodes:
    return [
        ("Concat", parts, ["xy"], {"axis": 1}),
        *_hidden("xy", "e0", "e"),
        *_linear("e", "e1", "z_mean"),
        *_linear("e", "e2", "z_log"),
        ("Exp", ["z_log"], ["z_scale"], {}),
    ]


def _classes(k: int) -> list[tuple[str, str, tuple[int, ...]]]:
    return [("logits", "float32", (k,)), ("probs", "float32", (k,))]


def _normal(z: int) -> list[tuple[str, str, tuple[int, ...]]]:
    return [("z_mean", "float32", (z,)), ("z_scale", "float32", (z,))]


def model(nodes: Nodes, inputs: list, outputs: list, weights: Mapping[str, np.ndarray]) -> bytes:
    """One ONNX file."""
    from onnx import helper, numpy_helper

    def value(name: str, dtype: str, row: tuple[int, ...]) -> object:
        kind = helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
        return helper.make_tensor_value_info(name, kind, ["batch", *row])

    used = {name for _, sources, _, _ in nodes for name in sources}
    graph = helper.make_graph(
        [helper.make_node(op, a, b, **attributes) for op, a, b, attributes in nodes],
        "tiny",
        [value(*t) for t in inputs],
        [value(*t) for t in outputs],
        [numpy_helper.from_array(np.asarray(w), k) for k, w in weights.items() if k in used],
    )
    opset = helper.make_opsetid("", OPSET)
    return helper.make_model(graph, opset_imports=[opset], ir_version=IR).SerializeToString()


def _files(
    name: str,
    weights: Json,
    graphs: Mapping[str, Any],
    about: Json,
    noise: Mapping[str, list[str]],
) -> dict[str, bytes]:
    files = {}
    for component, (nodes, inputs, outputs) in graphs.items():
        data = model(nodes, inputs, outputs, weights)
        files[f"models/{component}/fp32/model.onnx"] = data
        files |= _golden(component, data, inputs)
    files["manifest.json"] = _dumps(_document(name, graphs, about, noise))
    files["reports/parity.json"] = _dumps({"max_abs": 0.0})
    files["README.md"] = f"# {name}\n\nA bundle for tests.\n".encode()
    return {**files, "SHA256SUMS": sums(files)}


def _golden(component: str, data: bytes, inputs: list) -> dict[str, bytes]:
    from onnx.reference import ReferenceEvaluator

    rng = np.random.default_rng(2)
    feeds = {}
    for name, dtype, row in inputs:
        sides = [n if isinstance(n, int) else 2 * int(n[0]) for n in row]
        drawn = rng.standard_normal((ROWS, *sides)).astype(np.float32)
        feeds[name] = rng.integers(0, 17, drawn.shape, np.uint8) if dtype == "uint8" else drawn
        if name == "codes":
            feeds[name] = (drawn > 0).astype(np.int64)
        elif name == "x.seen":
            feeds[name] = np.abs(drawn * 9).round()
    if "y" in feeds:
        k, *sides = feeds["y"].shape[1:]
        one = np.eye(k, dtype=np.float32)[np.arange(ROWS) % k].reshape(ROWS, k, *[1] * len(sides))
        feeds["y"] = np.broadcast_to(one, (ROWS, k, *sides)).copy()
    evaluator = ReferenceEvaluator(data)
    found = dict(zip(evaluator.output_names, evaluator.run(None, feeds), strict=True))
    return {f"golden/{component}/{k}.npy": npy(v) for k, v in feeds.items()} | {
        f"golden/{component}/fp32/{k}.npy": npy(v.astype(np.float32)) for k, v in found.items()
    }


def npy(array: np.ndarray) -> bytes:
    """An array as a .npy file."""
    stream = io.BytesIO()
    np.save(stream, array, allow_pickle=False)
    return stream.getvalue()


def _document(name: str, graphs: Mapping[str, Any], about: Json, noise: Mapping[str, Any]) -> Json:
    io_table = {
        component: {
            "inputs": [_tensor(t) for t in inputs],
            "outputs": [_tensor(t) for t in outputs],
            "noise": noise.get(component, []),
        }
        for component, (_, inputs, outputs) in graphs.items()
    }
    section = {
        "format": "2.0",
        "model": {"family": "test"},
        **about,
        "io": io_table,
        "requires": {"opset": OPSET, "ir_version": IR, "onnxruntime": ">=1.20"},
        "hints": {"threads": 1, "max_batch": 256},
        "license": None,
        "created": "2025-01-01T00:00:00+00:00",
    }
    return {
        "schema_version": "1.0",
        "package_name": name,
        "package_version": "1.0.0",
        "layout": "portable",
        "description": "A bundle for tests.",
        "components": {component: _component(component) for component in graphs},
        "additional_metadata": {"ssdgm": section},
    }


def _component(component: str) -> Json:
    variants = {}
    for device, provider in (("cpu", "CPUExecutionProvider"), ("gpu", "CUDAExecutionProvider")):
        variants[f"{device}-fp32"] = {
            "variant_directory": f"models/{component}/fp32",
            "ep": provider,
            "device": device,
            "executor_info": {"ort": {"model_file": "model.onnx"}},
            "additional_metadata": {
                "precision": "fp32",
                "default": True,
                "tolerance": {"atol": 1e-4, "rtol": 1e-4},
            },
        }
    return {"variants": variants}


def _tensor(spec: tuple[str, str, tuple[int, ...]]) -> Json:
    name, dtype, row = spec
    return {"name": name, "dtype": dtype, "shape": ["batch", *row]}


def _dumps(document: Json) -> bytes:
    return (json.dumps(document, indent=2) + "\n").encode()


if __name__ == "__main__":
    for builder in (tiny, noisy, tagged, mixture, adversary, measured, watchful, masked):
        write(DATA / f"{builder.__name__}.ssdgm", builder())
