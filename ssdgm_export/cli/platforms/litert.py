"""`deploy litert`."""

from pathlib import Path
from typing import Annotated, Any

import typer

from ssdgm_export.cli import console, machine
from ssdgm_export.cli.options import (
    AbsoluteTolerance,
    AsJson,
    Force,
    MaxDistortion,
    MaxDrop,
    MovedData,
    RelativeTolerance,
    Run,
    Threads,
)
from ssdgm_runtime import terminal
from ssdgm_runtime.bundle import tolerance

Json = dict[str, Any]


def litert(
    run: Run,
    out: Annotated[Path, typer.Option("--out", "-o", help="New folder for the files.")],
    graph: Annotated[
        list[str] | None,
        typer.Option(help="Graph to write; repeatable. [default: all that convert writes]"),
    ] = None,
    precision: Annotated[
        str, typer.Option(help="Precisions to write, out of fp32,int8.")
    ] = "fp32",
    batch: Annotated[int, typer.Option(help="Rows that a file takes, always as many.", min=1)] = 1,
    data: MovedData = None,
    atol: AbsoluteTolerance = tolerance.ATOL,
    rtol: RelativeTolerance = tolerance.RTOL,
    max_drop: MaxDrop = "0.2%",
    max_distortion: MaxDistortion = "1%",
    threads: Threads = None,
    force: Force = False,
    as_json: AsJson = False,
) -> None:
    """Write RUN's graphs as .tflite files for phones and microcontrollers."""
    from ssdgm_export.deploy import litert as platform
    from ssdgm_export.proof import allowance

    with machine.computing(run, threads, "converting the graphs and comparing them"):
        folder = platform.deploy(
            run,
            out,
            graphs=graph or (),
            precision=precision,
            batch=batch,
            data=data,
            atol=atol,
            rtol=rtol,
            limits=allowance.parse(max_drop, max_distortion),
            force=force,
        )
    console.emit(folder.to_json(), as_json, _files)


def _files(result: Json) -> str:
    rows = [
        (
            one["path"],
            f"{one['bytes'] / 1e3:,.0f} kB",
            f"{one['microseconds']:.1f} us",
            f"{one['onnx_bytes'] / 1e3:,.0f} kB",
            f"{one['onnx_microseconds']:.1f} us",
        )
        for one in result["files"]
    ]
    heading = ("file", "size", "a call", "as .onnx", "onnxruntime")
    failed = [gate for gate in result["gates"] if not gate["passed"]]
    fields = {
        "folder": result["folder"],
        "torch": f"agrees, at most {100 * result['parity']['worst']:.1f} % of what is allowed",
        **({"left out": "; ".join(map(_refused, failed))} if failed else {}),
        "read": str(Path(result["folder"]) / "README.md"),
    }
    return f"{terminal.table(rows, heading)}\n\n{terminal.fields(fields)}"


def _refused(gate: Json) -> str:
    what = f"{gate['component']} in {gate['precision']}"
    if not gate["rows"]:
        return f"{what}, of which nothing can be measured without the graphs beside it"
    return (
        f"{what}, whose {gate['measure']} would go from {gate['fp32']:.4g} to {gate['found']:.4g}"
    )
