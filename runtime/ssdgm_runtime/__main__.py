"""`python -m ssdgm_runtime`: inspect, verify, use and time a bundle with nothing but numpy.

Exit codes: 0 ok; 1 a check failed; 2 wrong usage, bad data or a damaged bundle; 3 a missing
engine, provider or extra; 70 an internal error; 130 interrupted. With `--json` exactly one JSON
object goes to standard output, for an error too.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from typing import Any, NoReturn

import ssdgm_runtime
from ssdgm_runtime import errors, terminal
from ssdgm_runtime.console import catalogue, commands
from ssdgm_runtime.console.command import REQUIRED, Host, Option


class _Parser(argparse.ArgumentParser):
    def __init__(self, **settings: Any) -> None:  # noqa: ANN401  (as argparse has them)
        super().__init__(**settings, add_help=False)
        self.add_argument("-h", "--help", action="help", help="Show this message and exit.")

    def error(self, message: str) -> NoReturn:
        raise errors.UsageError(message, mend=f"See {self.prog} --help.")

    def _print_message(self, message: str, file: Any = None) -> None:  # noqa: ANN401  (a stream)
        terminal.say(message.rstrip("\n"), file or sys.stdout)


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; the exit code."""
    words = list(sys.argv[1:] if argv is None else argv)
    try:
        values = vars(_parser().parse_args(words))
        command = values["command"]
        table = command.run(values, Host())
        text = json.dumps(table, allow_nan=False) if values["json"] else command.show(table)
        for line in command.notes(table):
            terminal.say(terminal.lines(line), sys.stderr, sure=False)
        terminal.say(text, sys.stdout)
        return commands.exit_code(table)
    except (Exception, KeyboardInterrupt) as error:  # the last stop: nobody gets a traceback
        table, code = commands.failure(error)
        if "--json" in words:
            terminal.say(json.dumps(table), sys.stdout, sure=False)
        else:
            text = terminal.lines(f"error: {table['error']['message']}")
            terminal.say(text, sys.stderr, sure=False)
        return code


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="python -m ssdgm_runtime", description="Use a .ssdgm bundle.")
    version, text = ssdgm_runtime.__version__, "Print the version."
    parser.add_argument("--version", action="version", version=version, help=text)
    group = parser.add_subparsers(required=True, metavar="COMMAND")
    for command in catalogue.COMMANDS:
        sub = group.add_parser(command.name, help=command.help, description=command.help)
        for option in (*command.options, catalogue.AS_JSON):
            _add(sub, option)
        sub.set_defaults(command=command)
    return parser


def _add(parser: argparse.ArgumentParser, option: Option) -> None:
    default = option.default not in (None, REQUIRED)
    text = option.help.replace("%", "%%") + " [default: %(default)s]" * default
    if not option.flags:
        parser.add_argument(option.name, type=option.type, metavar=option.flag, help=text)
    elif option.type is bool:
        parser.add_argument(*option.flags, dest=option.name, action="store_true", help=text)
    else:
        parser.add_argument(
            *option.flags,
            dest=option.name,
            type=option.type,
            required=option.default is REQUIRED,
            default=None if option.default is REQUIRED else option.default,
            action="append" if option.repeatable else "store",
            metavar=option.metavar,
            help=text,
        )


if __name__ == "__main__":
    sys.exit(main())
