"""`python -m ssdgm_runtime`: inspect, verify, use and time a bundle with nothing but numpy.

Exit codes: 0 ok; 1 a check failed; 2 wrong usage, bad data or a damaged bundle; 3 a missing
engine, provider or extra; 70 an internal error; 130 interrupted. With `--json` exactly one JSON
object goes to standard output, for an error too.
"""

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

import ssdgm_runtime
from ssdgm_runtime import errors, terminal
from ssdgm_runtime.bench import request, summary
from ssdgm_runtime.console import commands, drawing, summaries

Json = dict[str, Any]


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise errors.UsageError(message, mend=f"See {self.prog} --help.")

    def _print_message(self, message: str, file: Any = None) -> None:  # noqa: ANN401  (a stream)
        terminal.say(message.rstrip("\n"), file or sys.stdout)


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; the exit code."""
    words = list(sys.argv[1:] if argv is None else argv)
    try:
        given = _parser().parse_args(words)
        table = given.run(given)
        text = json.dumps(table, allow_nan=False) if given.json else given.show(table)
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
    parser.add_argument("--version", action="version", version=ssdgm_runtime.__version__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for name, (text, options, run, render) in _COMMANDS.items():
        command = commands.add_parser(name, help=text, description=text)
        command.add_argument("--json", action="store_true", help="print one JSON object")
        options(command)
        command.set_defaults(run=run, show=render)
    return parser


def _bundle(command: argparse.ArgumentParser) -> None:
    command.add_argument("bundle", help="NAME.ssdgm, a folder or a zip")


def _verify_options(command: argparse.ArgumentParser) -> None:
    _bundle(command)
    _engine_options(command)


def _engine_options(command: argparse.ArgumentParser) -> None:
    add = command.add_argument
    add("--provider", default="auto", help="auto, cpu, cuda, ... (auto)")
    add("--variant", default="auto", help="auto, or a precision such as int8 (auto)")
    add("--threads", type=int, help="the size of the thread pool")
    add("--allow-partial", action="store_true", help="let a named provider use the CPU too")


def _classify_options(command: argparse.ArgumentParser) -> None:
    add = command.add_argument
    _bundle(command)
    add("input", help="npy, npz, IDX, CSV, Parquet, an image or a folder")
    add("-o", "--out", help="write a .csv, .jsonl or .npy file")
    add("--top", type=int, default=1, help="how many labels a row (1)")
    add("--batch-size", type=int, help="the most rows computed at once")
    add("--force", action="store_true", help="replace an existing file")
    _engine_options(command)


def _generate_options(command: argparse.ArgumentParser) -> None:
    add = command.add_argument
    _bundle(command)
    add("--class", dest="classes", action="append", default=[], help="a name or index (all)")
    pictures = command.add_mutually_exclusive_group()
    for name, told in drawing.TOLD.items():
        pictures.add_argument(
            f"--{name}", dest="picture", action="store_const", const=name, help=told
        )
    add("--rows", metavar="INPUT", help="data for analogies, or for a walk unless Z is 2")
    add("-n", type=int, default=8, help="rows a class, or lines of a picture (8)")
    add("--seed", type=int, help="of the draws")
    add("--sample", action="store_true", help="draw x instead of its expected value")
    add("--temperature", type=float, default=1.0, help="what the latent is multiplied by (1)")
    add("-o", "--out", required=True, help="write a .png grid, an .npz file, or a table's .csv")
    add("--force", action="store_true", help="replace an existing file")
    _engine_options(command)


def _bench_options(command: argparse.ArgumentParser) -> None:
    add = command.add_argument
    told = {name: _help(text) for name, text in request.HELP.items()}
    _bundle(command)
    for name in ("batch", "threads", "component"):
        add(f"--{name}", metavar="X,X", help=told[name])
    settled = (("provider", "auto"), ("variant", "auto"), ("concurrency", "1"))
    for name, default in (*settled, ("arrival", "closed"), ("against", "raw")):
        add(f"--{name}", default=default, metavar="X,X", help=f"{told[name]} ({default})")
    add("--batcher", action="store_true", help=told["batcher"])
    add("--run", dest="trained", metavar="RUN", help=told["run"])
    add("--seconds", type=float, default=request.SECONDS, help=told["seconds"])
    add("--cold", type=int, default=request.COLD, metavar="N", help=told["cold"])
    add("--rows", metavar="INPUT", help=told["rows"])
    add("-o", "--out", help=told["out"])
    add("--plot", help=told["plot"])
    add("--baseline", help=told["baseline"])
    add("--fail-if", action="append", default=[], metavar="CONDITION", help=told["fail_if"])
    add("--force", action="store_true", help=told["force"])
    add("--allow-partial", action="store_true", help="let a named provider use the CPU too")


def _help(text: str) -> str:
    return f"{text[0].lower()}{text[1:].rstrip('.')}".replace("%", "%%")


def _engine(given: argparse.Namespace) -> dict[str, Any]:
    keys = ("provider", "variant", "threads", "allow_partial")
    return {key: getattr(given, key) for key in keys}


def _classify(given: argparse.Namespace) -> Json:
    options = {key: getattr(given, key) for key in ("top", "batch_size", "force")}
    return commands.classify(given.bundle, given.input, given.out, **options, **_engine(given))


def _generate(given: argparse.Namespace) -> Json:
    keys = ("classes", "picture", "rows", "n", "seed", "sample", "temperature", "force")
    options = {key: getattr(given, key) for key in keys}
    return commands.generate(given.bundle, given.out, **options, **_engine(given))


def _bench(given: argparse.Namespace) -> Json:
    from ssdgm_runtime.bench import backends, outcome

    if given.trained is not None:
        raise backends.workshop("--run", "PyTorch", "--against raw,torch --run RUN")
    table = vars(given)
    wanted = request.parse(**{key: table[key] for key in request.OPTIONS})
    result = outcome.Result(**{key: table[key] for key in outcome.OPTIONS})
    return commands.bench(given.bundle, wanted, result)


_Options = Callable[[argparse.ArgumentParser], None]
_Run = Callable[[argparse.Namespace], Json]
_COMMANDS: dict[str, tuple[str, _Options, _Run, Callable[[Json], str]]] = {
    "inspect": (
        "Say what a bundle holds, its files compared with their digests.",
        _bundle,
        lambda given: commands.inspect(given.bundle),
        summaries.inspect,
    ),
    "verify": (
        "Compare the files with their digests and run the golden rows on this device.",
        _verify_options,
        lambda given: commands.verify(given.bundle, **_engine(given)),
        summaries.verify,
    ),
    "classify": ("Classify rows.", _classify_options, _classify, summaries.classify),
    "generate": ("Generate rows by class.", _generate_options, _generate, summaries.generate),
    "bench": (
        "Time each graph beside a bare onnxruntime session.",
        _bench_options,
        _bench,
        summary.bench,
    ),
    "doctor": (
        "Say what stands in the way of running bundles here, and its remedy.",
        lambda command: None,
        lambda given: commands.examine(),
        summaries.doctor,
    ),
}

if __name__ == "__main__":
    sys.exit(main())
