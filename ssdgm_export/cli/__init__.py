"""The command line: assembles the commands, maps errors to exit codes, computes nothing.

Exit codes: 0 ok; 1 parity, golden rows or a gate failed; 2 usage, bad data or a damaged bundle;
3 a missing engine, provider or extra; 70 an internal error; 130 interrupted.
"""

import os
import sys
from collections.abc import Sequence
from typing import Annotated, NoReturn

import typer

import ssdgm_export
from ssdgm_export.cli import bundles, console, inference, training
from ssdgm_runtime import errors

UsageError: type[Exception] = typer.BadParameter.__mro__[1]

app = typer.Typer(
    name="ssdgm-export",
    help="Train semi-supervised deep generative models, export them, run them without PyTorch.",
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for command in (
    training.methods,
    training.train,
    bundles.convert,
    bundles.inspect,
    bundles.verify,
    inference.classify,
    inference.generate,
    inference.bench,
):
    app.command()(command)


@app.callback(invoke_without_command=True)
def _root(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
) -> None:
    if version:
        console.emit({"version": ssdgm_export.__version__}, False, lambda found: found["version"])
    elif context.invoked_subcommand is None:
        console.emit({"help": context.get_help()}, False, lambda found: found["help"])


def main() -> NoReturn:
    """Run the command line on the process's own arguments."""
    sys.exit(run(sys.argv[1:]))


def run(arguments: Sequence[str]) -> int:
    """Run the command line; returns the exit code and never raises, but for SSDGM_DEBUG=1."""
    try:
        code = app(args=list(arguments), prog_name="ssdgm-export", standalone_mode=False)
    except (Exception, KeyboardInterrupt, typer.Abort) as error:
        told = _told(error)
        if os.environ.get("SSDGM_DEBUG"):
            raise
        return console.fail(told, "--json" in arguments)
    return code if isinstance(code, int) else 0


def _told(error: BaseException) -> BaseException:
    """The error to show: a usage error and a missing package as ones of the family."""
    if isinstance(error, typer.Abort):
        return KeyboardInterrupt()
    if isinstance(error, UsageError):
        return errors.SsdgmError(str(error), mend="See ssdgm-export --help.")
    if isinstance(error, ModuleNotFoundError) and not isinstance(error, errors.SsdgmError):
        return errors.MissingExtra(
            f"the package {error.name} is not installed",
            "the workshop's packages",
            "Install them with: pip install 'ssdgm-export[train,cpu]'",
        )
    return error
