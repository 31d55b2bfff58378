"""`hub push` and `hub pull`."""

from pathlib import Path
from typing import Annotated, Any

import typer

from ssdgm_export.cli import console, shared
from ssdgm_export.cli.options import AsJson, Force
from ssdgm_runtime import errors, terminal

Json = dict[str, Any]

app = typer.Typer(
    help="Bring a bundle to a model hub, or fetch one.",
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
Repository = Annotated[str, typer.Argument(metavar="OWNER/NAME", help="A repository of models.")]


@app.callback()
def _root() -> None:
    pass


@app.command(cls=shared.Once)
def push(
    bundle: Annotated[Path, typer.Argument(metavar="BUNDLE", help="A bundle, a folder or a zip.")],
    repository: Repository,
    private: Annotated[
        bool, typer.Option("--private", help="Make a new repository private.")
    ] = False,
    revision: Annotated[str | None, typer.Option(help="Branch. [default: the main one]")] = None,
    message: Annotated[
        str | None, typer.Option(help="What the commit says. [default: the bundle's name and id]")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Upload BUNDLE to a repository of a model hub, in place of any that is there."""
    from ssdgm_export.deploy import hub

    with console.doing("uploading the bundle"):
        made = hub.push(bundle, repository, private=private, revision=revision, message=message)
    console.emit(made.to_json(), as_json, _pushed)


@app.command(cls=shared.Once)
def pull(
    repository: Repository,
    out: Annotated[Path, typer.Option("--out", "-o", help="Bundle to write: NAME.ssdgm.")],
    revision: Annotated[
        str | None, typer.Option(help="Branch, tag or commit. [default: the main branch]")
    ] = None,
    key: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="FILE", help="Public key that must have signed the bundle; repeatable."
        ),
    ] = None,
    bundle_id: Annotated[
        list[str] | None, typer.Option("--id", help="Id that the bundle may have; repeatable.")
    ] = None,
    force: Force = False,
    as_json: AsJson = False,
) -> None:
    """Download a bundle from a repository of a model hub, and check its digests."""
    from ssdgm_export.deploy import hub

    with console.doing("fetching the bundle"):
        fetched = hub.pull(
            repository,
            out,
            revision=revision,
            policy=hub.policy(key or (), bundle_id or ()),
            force=force,
        )
    console.emit(fetched.to_json(), as_json, _pulled)


def _pushed(result: Json) -> str:
    pin = ("ssdgm-export", "hub", "pull", result["repository"], "--revision", result["revision"])
    return terminal.fields(
        {
            "repository": result["repository"],
            "commit": result["url"] or result["revision"],
            "id": result["id"],
            "fetch": errors.command(*pin, "-o", "NAME.ssdgm"),
        }
    )


def _pulled(result: Json) -> str:
    return terminal.fields(
        {
            "bundle": result["bundle"],
            "id": result["id"],
            "commit": result["revision"],
            "next": errors.command("ssdgm-export", "verify", result["bundle"]),
        }
    )
