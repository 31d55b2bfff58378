"""README.md of a folder of .tflite files: what is there, and how Python and Android call it."""

from collections.abc import Iterable, Mapping
from typing import Any

from ssdgm_export.lite import program
from ssdgm_runtime.bundle.interface import Graph
from ssdgm_runtime.rows.tensor import Tensor

_README = """\
# {method} for LiteRT

{table}

A file takes {batch} a call, as `{about}` says of every tensor. Times are microseconds a call on
one thread of the machine that wrote the files. `golden/` has rows, and the answers that they must
give.

## Python

`pip install ai-edge-litert numpy`, then in this folder:

```python
{python}
```

## Android

`implementation("com.google.ai.edge.litert:litert:1.4.0")` in `build.gradle.kts`, the file among
the assets, then:

```kotlin
{kotlin}
```
"""
_PYTHON = """\
import numpy as np
from ai_edge_litert.interpreter import Interpreter

interpreter = Interpreter("{file}", num_threads=1)
call = interpreter.get_signature_runner()
rows = {{{rows}}}
answer = call(**{{name: array[:{batch}] for name, array in rows.items()}})
print({{name: array[0] for name, array in answer.items()}})
"""
_KOTLIN = """\
import java.nio.ByteBuffer
import java.nio.ByteOrder
import org.tensorflow.lite.Interpreter

val file = context.assets.open("{file}").use {{ it.readBytes() }}
val model = ByteBuffer.allocateDirect(file.size).order(ByteOrder.nativeOrder()).put(file)
val interpreter = Interpreter(model, Interpreter.Options().setNumThreads(1))
{inputs}
{outputs}
interpreter.runSignature(mapOf({given}), mapOf({found}))
"""
_BYTES = {"uint8": 1, "int32": 4, "float32": 4}


def text(
    method: str, batch: int, about: str, specs: Mapping[str, Graph], files: Iterable[Any]
) -> str:
    """The text of README.md.

    Args:
        method: Whose model it is.
        batch: The rows that a file takes.
        about: The name of the file of facts.
        specs: The graphs, the one of the examples first.
        files: Each with its path, sizes and times.
    """
    graph, spec = next(iter(specs.items()))
    inputs, outputs = spec.inputs, spec.outputs
    every = list(files)
    shown = next(one.path for one in every if one.graph == graph)
    words = {"file": shown, "batch": batch}
    rows = (f'"{program.own(t.name)}": np.load("golden/{graph}/{t.name}.npy")' for t in inputs)
    python = _PYTHON.format(rows=", ".join(rows), **words)
    kotlin = _KOTLIN.format(
        inputs="\n".join(_buffer(t, batch) for t in inputs),
        outputs="\n".join(_buffer(t, batch) for t in outputs),
        given=_pairs(inputs),
        found=_pairs(outputs),
        **words,
    )
    rows_word = "one row" if batch == 1 else f"{batch} rows"
    return _README.format(
        method=method,
        batch=rows_word,
        about=about,
        table=_table(every),
        python=python.rstrip(),
        kotlin=kotlin.rstrip(),
    )


def _table(files: Iterable[Any]) -> str:
    lines = [
        "| file | bytes | microseconds | bytes as .onnx | onnxruntime |",
        "|---|--:|--:|--:|--:|",
    ]
    lines += [
        f"| `{one.path}` | {one.bytes:,} | {one.microseconds:.1f} | {one.onnx_bytes:,} | "
        f"{one.onnx_microseconds:.1f} |"
        for one in files
    ]
    return "\n".join(lines)


def _buffer(tensor: Tensor, batch: int) -> str:
    name, dtype = program.own(tensor.name), program.dtype(tensor)
    size, kind = batch * tensor.width * _BYTES[dtype], f"{dtype} {[batch, *tensor.row]}"
    return (
        f"val {name} = ByteBuffer.allocateDirect({size}).order(ByteOrder.nativeOrder()) // {kind}"
    )


def _pairs(tensors: Iterable[Tensor]) -> str:
    names = [program.own(t.name) for t in tensors]
    return ", ".join(f'"{name}" to {name}' for name in names)
