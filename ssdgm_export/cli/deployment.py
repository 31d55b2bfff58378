"""`deploy web`."""

from pathlib import Path
from typing import Annotated, Any

import typer

from ssdgm_export.cli import console, shared
from ssdgm_export.cli.options import AsJson, Force
from ssdgm_runtime import terminal

Json = dict[str, Any]

app = typer.Typer(
    help="Put a bundle on another platform.",
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback()
def _root() -> None:
    pass


@app.command(cls=shared.Once)
def web(
    bundle: Annotated[Path, typer.Argument(metavar="BUNDLE", help="A bundle, a folder or a zip.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="New folder for the site.")],
    title: Annotated[
        str | None, typer.Option(help="Title of the page. [default: the bundle's name]")
    ] = None,
    webgpu: Annotated[
        bool,
        typer.Option(
            "--webgpu", help="Take the larger engine, which uses WebGPU where a browser has it."
        ),
    ] = False,
    onnxruntime: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Folder of the npm package onnxruntime-web, to fetch nothing. [default: npm "
            "fetches it once]",
        ),
    ] = None,
    force: Force = False,
    as_json: AsJson = False,
) -> None:
    """Write BUNDLE as a static site that runs it in browsers, also offline."""
    from ssdgm_export.deploy import web as platform

    with console.doing("writing the site"):
        site = platform.deploy(
            bundle,
            out,
            title=title,
            provider="webgpu" if webgpu else "wasm",
            onnxruntime=onnxruntime,
            force=force,
        )
    console.emit(site.to_json(), as_json, _written)


def _written(result: Json) -> str:
    sizes = {key: f"{value / 1e6:.2f} MB" for key, value in result["bytes"].items()}
    rest = result["bytes"]["total"] - result["bytes"]["engine"]
    return terminal.fields(
        {
            "site": result["site"],
            "bundle": result["bundle"],
            "engine": f"onnxruntime-web {result['onnxruntime']} ({result['provider']}), "
            f"{sizes['engine']}",
            "size": f"{sizes['total']}, {rest / 1e6:.2f} MB without the engine",
            "look": f"python -m http.server -d {result['site']}",
        }
    )
