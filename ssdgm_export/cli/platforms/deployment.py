"""`deploy web`, `deploy service`, `deploy triton` and `deploy litert`."""

from pathlib import Path
from typing import Annotated, Any

import typer

from ssdgm_export.cli import console, shared
from ssdgm_export.cli.options import AsJson, Force
from ssdgm_export.cli.platforms import litert
from ssdgm_runtime import errors, terminal

Json = dict[str, Any]

app = typer.Typer(
    help="Put a bundle, or a run, on another platform.",
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback()
def _root() -> None:
    pass


Bundle = Annotated[Path, typer.Argument(metavar="BUNDLE", help="A bundle, a folder or a zip.")]


@app.command(cls=shared.Once)
def web(
    bundle: Bundle,
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


@app.command(cls=shared.Once)
def service(
    bundle: Bundle,
    out: Annotated[Path, typer.Option("--out", "-o", help="New folder for Docker to build.")],
    name: Annotated[
        str | None,
        typer.Option(help="Name of the model in addresses. [default: the bundle's name]"),
    ] = None,
    wheel: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="FILE", help="Wheel to install before any from an index; repeatable."
        ),
    ] = None,
    force: Force = False,
    as_json: AsJson = False,
) -> None:
    """Write BUNDLE as a folder with a Dockerfile: a service over HTTP."""
    from ssdgm_export.deploy import service as platform

    with console.doing("writing the service"):
        folder = platform.deploy(bundle, out, name=name, wheels=wheel or (), force=force)
    console.emit(folder.to_json(), as_json, _folder)


def _folder(result: Json) -> str:
    image, port = result["image"], result["port"]
    return terminal.fields(
        {
            "folder": result["folder"],
            "bundle": result["bundle"],
            "model": result["name"],
            "build": errors.command("docker", "build", "-t", image, result["folder"]),
            "run": errors.command("docker", "run", "--rm", "-p", f"{port}:{port}", image),
        }
    )


@app.command(cls=shared.Once)
def triton(
    bundle: Bundle,
    out: Annotated[Path, typer.Option("--out", "-o", help="New folder for the models.")],
    name: Annotated[
        str | None,
        typer.Option(help="What the models' names begin with. [default: the bundle's name]"),
    ] = None,
    variant: Annotated[
        str, typer.Option(help="Variant of the graphs, or a precision such as int8.")
    ] = "fp32",
    max_batch: Annotated[
        int, typer.Option(help="Most rows for Triton to compute together.", min=1)
    ] = 64,
    force: Force = False,
    as_json: AsJson = False,
) -> None:
    """Write BUNDLE as a model repository of Triton, one model per graph."""
    from ssdgm_export.deploy import triton as platform

    with console.doing("writing the models"):
        repository = platform.deploy(
            bundle, out, name=name, variant=variant, max_batch=max_batch, force=force
        )
    console.emit(repository.to_json(), as_json, _repository)


def _repository(result: Json) -> str:
    served = Path(result["repository"]).absolute()
    return terminal.fields(
        {
            "repository": result["repository"],
            "bundle": result["bundle"],
            "models": ", ".join(result["models"]),
            "variants": ", ".join(f"{k}: {v}" for k, v in result["variants"].items()),
            "run": errors.command("tritonserver", f"--model-repository={served}"),
        }
    )


app.command(cls=shared.Once)(litert.litert)
