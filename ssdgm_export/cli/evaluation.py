"""`evaluate`."""

from typing import Annotated, Any

import typer

from ssdgm_export.cli import console, machine
from ssdgm_export.cli.options import AsJson, MovedData, Quiet, Run, Threads
from ssdgm_runtime import errors, terminal

Json = dict[str, Any]
ALL = "all"


def evaluate(
    run: Run,
    samples: Annotated[
        int, typer.Option(help="Number of draws of the latents per row.", min=1)
    ] = 100,
    rows: Annotated[str, typer.Option(help="Largest number of rows to use, or all.")] = "1000",
    data: MovedData = None,
    device: Annotated[str, typer.Option(help="Device: auto, cpu or cuda.")] = "auto",
    threads: Threads = None,
    quiet: Quiet = False,
    as_json: AsJson = False,
) -> None:
    """Estimate log p(x) of RUN's test rows, and classify them with it."""
    most = _most(rows)
    from ssdgm_train.runs import evidence, records

    job = evidence.prepare(run, samples, most, data, device)
    with machine.computing(run, threads):
        for _ in console.track(evidence.measure(job), job.steps, 0, quiet):
            pass
    console.emit({"run": str(run), **records.plain(evidence.read(job.run))}, as_json, _lines)


LONG = 19  # digits


def _most(rows: str) -> int | None:
    if rows == ALL:
        return None
    if not (rows.isascii() and rows.isdigit() and len(rows) < LONG) or not int(rows):
        raise errors.InputError("--rows", repr(rows), "a whole number from 1, or all")
    return int(rows)


def _f1(score: Json) -> str:
    """The micro-F1 of tags."""
    return "" if score.get("micro_f1") is None else f"micro-F1 {score['micro_f1']:.3f}, "


def _lines(result: Json) -> str:
    from ssdgm_train.evaluation import Score
    from ssdgm_train.runs import evidence

    bounds = {
        evidence.TERMS[name]: f"{value['importance']:.2f} ± {value['standard_error']:.2f} nats "
        f"with {result['samples']} draws, {value['bound']:.2f} with one"
        for name, value in result["evidence"].items()
        if value
    }
    labels = {
        name: f"{Score(**score).words}, {_f1(score)}NLL {score['nll']:.3f} nats"
        for name, score in zip(("q(y | x)", "p(y | x)"), result["labels"].values(), strict=True)
        if score
    }
    return terminal.fields(
        {
            "run": result["run"],
            "rows": f"{result['rows']} {result['part']} rows",
            **bounds,
            **labels,
        }
    )
