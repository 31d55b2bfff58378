"""`convert`."""

from pathlib import Path
from typing import Annotated, Any

import typer

from ssdgm_export.cli import console, machine
from ssdgm_export.cli.options import (
    AbsoluteTolerance,
    AsJson,
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


def convert(
    run: Run,
    out: Annotated[
        Path, typer.Option("--out", "-o", help="Bundle to write: NAME.ssdgm or NAME.ssdgm.zip.")
    ],
    data: MovedData = None,
    golden_from: Annotated[
        Path | None,
        typer.Option(help="File of rows that may be published inside the bundle, as golden rows."),
    ] = None,
    atol: AbsoluteTolerance = tolerance.ATOL,
    rtol: RelativeTolerance = tolerance.RTOL,
    name: Annotated[
        str | None, typer.Option(help="Name of the bundle. [default: METHOD-DATA]")
    ] = None,
    version: Annotated[str, typer.Option(help="Version of the bundle.")] = "1.0.0",
    description: Annotated[
        str | None, typer.Option(help="What the bundle is, in a sentence.")
    ] = None,
    license: Annotated[
        str | None, typer.Option(help="License of the bundle, as an SPDX expression.")
    ] = None,
    precision: Annotated[
        str, typer.Option(help="Precisions to include, out of fp32,int8,fp16.")
    ] = "fp32",
    max_drop: MaxDrop = "0.2%",
    max_distortion: MaxDistortion = "1%",
    score: Annotated[
        bool, typer.Option("--score", help="Add a graph that bounds log p(x) of a row.")
    ] = False,
    fuse: Annotated[
        bool, typer.Option("--fuse", help="Add a graph that encodes and classifies in one call.")
    ] = False,
    if_better: Annotated[
        bool,
        typer.Option(
            "--if-better", help="Export the baseline's network if its validation error is lower."
        ),
    ] = False,
    threads: Threads = None,
    as_json: AsJson = False,
) -> None:
    """Convert RUN to a bundle, and compare its outputs with torch."""
    from ssdgm_export.bundle import convert as conversion
    from ssdgm_export.proof import allowance

    with machine.computing(run, threads, "tracing the graphs and comparing them"):
        result = conversion.convert(
            run,
            out,
            data=data,
            golden_from=golden_from,
            atol=atol,
            rtol=rtol,
            name=name,
            version=version,
            description=description,
            license=license,
            precision=precision,
            limits=allowance.parse(max_drop, max_distortion),
            fuse=fuse,
            score=score,
            if_better=if_better,
        )
    console.emit(result.to_json(), as_json, _converted)


def _converted(result: Json) -> str:
    parity = result["parity"]
    worst = max(v for graph in parity["max_abs"].values() for v in graph.values())
    return terminal.fields(
        {
            "bundle": f"{result['bundle']} ({result['bytes'] / 1000:.0f} kB)",
            "id": result["id"],
            "method": result["method"],
            **({"note": result["note"]} if "note" in result else {}),
            **({"score": result["unranked"]} if "unranked" in result else {}),
            "parity": f"largest difference from torch {worst:.1e}, "
            f"{100 * parity['worst']:.1f} % of what is allowed",
            "predictions": f"{len(parity['disagreements'])} of {parity['compared']} differ",
            **{
                f"{g['component']} {g['precision']}, {g['measure']}": _judged(g)
                for g in result["gates"]
            },
        }
    )


def _judged(gate: Json) -> str:
    from ssdgm_train import evaluation

    if not gate["rows"]:
        return "does not ship: there is nothing to measure it by"
    if gate["rows"] < evaluation.ENOUGH:
        return f"does not ship: {gate['rows']} {gate['kind']} rows are too few to measure it by"
    cost, sure, allowed = (f"{100 * gate[key]:.2f}" for key in ("cost", "deviation", "allowed"))
    units = {"distortion": "%", "rmse": "% of the labels' deviation"}
    unit = units.get(gate["measure"], "points")
    outcome = "passed" if gate["passed"] else "failed, does not ship"
    measured = f"on {gate['rows']} {gate['kind']} rows"
    return f"{outcome}: costs {cost} ± {sure} {unit} {measured}, of {allowed} allowed"
