"""The command line: assembles the commands, maps errors to exit codes, computes nothing.

Exit codes: 0 ok; 1 parity, golden rows or a gate failed; 2 usage, bad data or a damaged bundle;
3 a missing engine, provider or extra; 70 an internal error; 130 interrupted.
"""

import os
import sys
from collections.abc import Callable, Sequence
from typing import Annotated, Any, NoReturn

import typer

import ssdgm_export
from ssdgm_export.cli import (
    console,
    conversion,
    data,
    evaluation,
    reports,
    research,
    shared,
    training,
)
from ssdgm_export.cli.platforms import deployment, hub
from ssdgm_runtime import errors
from ssdgm_runtime.console import catalogue

INTERRUPTED = 130
# typer ships its own click and exports only this child of the error that every usage error is
UsageError: Any = typer.BadParameter.__base__

app = typer.Typer(
    name="ssdgm-export",
    help="Train semi-supervised deep generative models, export them, run them without PyTorch.",
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
EVERY: tuple[Callable[..., Any], ...] = (
    training.methods,
    research.recipe,
    training.train,
    research.runs,
    evaluation.evaluate,
    reports.report,
    conversion.convert,
    *map(shared.function, catalogue.COMMANDS),
)
for command in EVERY:
    app.command(cls=shared.Once)(command)
app.add_typer(data.app, name="data")
app.add_typer(deployment.app, name="deploy")
app.add_typer(hub.app, name="hub")


def _version(wanted: bool) -> bool:
    if wanted:
        console.emit(
            {"version": ssdgm_export.__version__}, False, lambda result: result["version"]
        )
        raise typer.Exit
    return wanted


@app.callback()
def _root(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_version, is_eager=True, help="Print the version."),
    ] = False,
) -> None:
    pass


def main() -> NoReturn:
    """Run the command line on the process's own arguments."""
    sys.exit(run(sys.argv[1:]))


def run(arguments: Sequence[str]) -> int:
    """Run the command line; returns the exit code and never raises, but for SSDGM_DEBUG=1."""
    given = list(arguments) or ["--help"]
    try:
        code = app(args=given, prog_name="ssdgm-export", standalone_mode=False)
    except (Exception, KeyboardInterrupt, typer.Abort) as error:
        failure = _failure(error)
        if os.environ.get("SSDGM_DEBUG"):
            raise
        return console.fail(failure, "--json" in arguments)
    except SystemExit:  # raised by typer when the reader of --help has closed the pipe
        return 0
    if code == INTERRUPTED:  # how typer reports Ctrl-C
        return console.fail(KeyboardInterrupt(), "--json" in arguments)
    return code if isinstance(code, int) else 0


def _failure(error: BaseException) -> BaseException:
    """The error to show: usage errors and missing packages become errors of this project."""
    if isinstance(error, typer.Abort):
        return KeyboardInterrupt()
    if isinstance(error, UsageError):
        message = " ".join(error.format_message().split())  # names the option, as str() does not
        context = getattr(error, "ctx", None)
        path = context.command_path if context else "ssdgm-export"
        mend = "" if message.endswith("?") else f"See {path} --help."
        return errors.UsageError(message, mend=mend)
    if isinstance(error, ModuleNotFoundError) and not isinstance(error, errors.SsdgmError):
        name = str(error.name).split(".")[0]
        return errors.MissingExtra(
            f"The package {name} is not installed",
            mend="Install it with: pip install 'ssdgm-export[train,cpu]'",
        )
    return error
