"""The runtime's commands in this command line: functions whose options typer can read."""

import inspect
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import typer
from typer import core

from ssdgm_export.cli import console
from ssdgm_runtime import errors
from ssdgm_runtime.bench import backends
from ssdgm_runtime.console import catalogue, commands
from ssdgm_runtime.console.command import Command, Host, Option

Json = dict[str, Any]


class Once(core.TyperCommand):
    """A command that refuses an option which is given twice, of which the first would be lost."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:  # noqa: ANN401  (typer's own)
        """As any command, after a look at which options there are."""
        _, _, order = self.make_parser(ctx).parse_args(args=list(args))
        single = [param for param in order if isinstance(param, core.TyperOption)]
        for param in single:
            if single.count(param) > 1 and not (param.multiple or param.is_flag):
                raise errors.UsageError(
                    f"{param.opts[0]} is given twice",
                    mend=f"Give it once; see {ctx.command_path} --help for what it takes.",
                )
        return super().parse_args(ctx, args)


def function(command: Command) -> Callable[..., int]:
    """A function that runs a command and returns its exit code; its signature has the options."""
    progress = (catalogue.QUIET,) if command.progress else ()

    def run(**values: Any) -> int:  # noqa: ANN401  (each option has a type of its own)
        quiet = not command.progress or values["quiet"] or values["json"]
        with console.watch(quiet) as watch:
            table = command.run(values, Host(_openers, _drawer, watch))
        for line in command.notes(table):
            console.note(line)
        console.emit(table, values["json"], command.show)
        return commands.exit_code(table)

    parameters = map(_parameter, (*command.options, *progress, catalogue.AS_JSON))
    run.__name__, run.__doc__ = command.name, command.help
    vars(run)["__signature__"] = inspect.Signature([*parameters])
    return run


def _parameter(option: Option) -> inspect.Parameter:
    optional = option.default is None and option.type is not bool
    default = False if option.type is bool else option.default
    kind: Any = list[option.type] if option.repeatable else option.type
    if option.flags:
        declared: Any = typer.Option(
            default, *option.flags, help=option.help, metavar=option.metavar
        )
    else:
        declared = typer.Argument(default, help=option.help, metavar=option.flag)
    return inspect.Parameter(
        option.name,
        inspect.Parameter.KEYWORD_ONLY,
        default=declared,
        annotation=kind | None if optional else kind,
    )


def _openers(run: Path) -> Mapping[str, backends.Opener]:
    from ssdgm_export.bench import eager

    return eager.openers(run)


def _drawer() -> Callable[[Json], bytes]:
    from ssdgm_export.bench import chart

    return chart.png
