"""`runs` and `recipe`, and what a shell may complete."""

import glob
import importlib.util
import os
from importlib import metadata
from pathlib import Path
from typing import Annotated, Any

import typer

from ssdgm_export.cli import console
from ssdgm_export.cli.options import AsJson, Force
from ssdgm_runtime import atomic, terminal

Json = dict[str, Any]
PICTURE = {".png": None}
HEADING = ("run", "method", "recipe", "data", "labels", "seed", "step", "validation", "test")


def runs(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A folder of runs.")],
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", help="Draw their validation errors to this .png file."),
    ] = None,
    force: Force = False,
    as_json: AsJson = False,
) -> None:
    """Compare the runs below DIR."""
    if out is not None:
        atomic.check_output(out, PICTURE, force=force)
    from ssdgm_export.report import several

    lines = several.lines(folder)
    if out is not None:
        atomic.write(out, several.picture(folder, lines), force=force)
    table: Json = {"runs": [line.to_json() for line in lines]}
    console.emit({**table, **({"output": str(out)} if out else {})}, as_json, _table)


def recipe(
    name: Annotated[
        str,
        typer.Argument(
            metavar="NAME",
            help="A method or a recipe, as listed by `methods`, or file.py:METHOD.",
            autocompletion=lambda incomplete: [*methods(incomplete), *recipes(incomplete)],
        ),
    ],
    as_json: AsJson = False,
) -> None:
    """Print every setting of a method or a recipe, with its meaning, for `train --recipe`."""
    from ssdgm_train.recipes import reference

    text = reference.text(name)
    console.emit({"name": name, "recipe": text}, as_json, lambda result: result["recipe"])


def _table(result: Json) -> str:
    rows = [
        (
            *(line[key] for key in ("run", "method", "recipe", "dataset", "labelled", "seed")),
            line["step"] if line["ended"] else f"{line['step']} so far",
            *(_percent(line[part]) for part in ("validation", "test")),
        )
        for line in result["runs"]
    ]
    return terminal.table(rows, HEADING)


def _percent(share: float | None) -> str:
    return "" if share is None else f"{100 * share:.2f} %"


def methods(incomplete: str) -> list[str]:
    """The methods, by the files of the package and the entry points: nothing slow is imported."""
    own = [point.name for point in metadata.entry_points(group="ssdgm_train.methods")]
    return _begin(["auto", *_files("methods", ".py"), *own], incomplete)


def recipes(incomplete: str) -> list[str]:
    """The recipes that ship, and files."""
    return [*_begin([*_files("recipes", ".toml"), "none"], incomplete), *_paths(incomplete)]


def data(incomplete: str) -> list[str]:
    """The data sets that have names, those under SSDGM_DATA_DIR, and files."""
    folder = os.environ.get("SSDGM_DATA_DIR", "")
    own = (
        [path.name for path in Path(folder).iterdir()] if folder and Path(folder).is_dir() else []
    )
    names = {*own, "digits", "mnist", "fashion-mnist", "kmnist", "svhn", "cifar10"}
    return [*_begin(sorted(names), incomplete), *_paths(incomplete)]


def _files(room: str, suffix: str) -> list[str]:
    spec = importlib.util.find_spec("ssdgm_train")
    if spec is None or spec.origin is None:
        return []
    places = sorted((Path(spec.origin).parent / room).rglob(f"*{suffix}"))
    return [path.stem for path in places if not path.stem.startswith("_")]


def _begin(names: list[str], incomplete: str) -> list[str]:
    return [name for name in names if name.startswith(incomplete)]


def _paths(incomplete: str) -> list[str]:
    paths = sorted(glob.glob(f"{glob.escape(incomplete)}*"))
    return [f"{path}/" if Path(path).is_dir() else path for path in paths]
