"""The only place that prints: results on stdout, progress and messages on stderr."""

import contextlib
import json
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from ssdgm_runtime import terminal
from ssdgm_runtime.console import commands

Json = Mapping[str, Any]
_LARGE = 50_000_000  # bytes


def emit(document: Json, as_json: bool, render: Callable[[Any], str]) -> None:
    """Print a result: one JSON object, or lines for people."""
    text = _dumps(document, indent=2) if as_json else render(document)
    terminal.say(text.rstrip("\n"), sys.stdout)


def fail(error: BaseException, as_json: bool) -> int:
    """Print an error, as one JSON object on stdout or a line on stderr; returns its exit code."""
    table, code = commands.failure(error)
    if as_json:
        terminal.say(_dumps(table), sys.stdout, sure=False)
    else:
        note(f"error: {table['error']['message']}")
    return code


def note(text: str) -> None:
    """Print a line on stderr."""
    terminal.say(terminal.lines(text), sys.stderr, sure=False)


def track(steps: Iterable[Any], total: int, done: int, quiet: bool) -> Iterator[Any]:
    """Pass training progress on, with a bar on a terminal and lines elsewhere."""
    if quiet:
        yield from steps
    elif sys.stderr is not None and sys.stderr.isatty():
        yield from _bar(steps, total, done)
    else:
        yield from _lines(steps)


@contextlib.contextmanager
def watch(quiet: bool) -> Iterator[Callable[[int, int, str], None]]:
    """A callback that shows how many steps are done: a bar on a terminal, lines elsewhere."""
    if quiet:
        yield lambda done, total, text: None
    elif sys.stderr is not None and sys.stderr.isatty():
        with _counter() as tell:
            yield tell
    else:
        yield lambda done, total, text: note(f"{done}/{total}  {text}")


@contextlib.contextmanager
def doing(what: str) -> Iterator[None]:
    """Say on a terminal what takes a while and has no steps to count."""
    if sys.stderr is None or not sys.stderr.isatty():
        yield
        return
    from rich import console

    with console.Console(stderr=True).status(what):
        yield


def downloads(quiet: bool) -> Callable[[int, int, str], None]:
    """A callback that shows a download: one line per file, more for a large one."""

    def tell(done: int, total: int, name: str) -> None:
        if done == 0 or (total > _LARGE and done < total):
            note(f"downloading {name}: {done / 1e6:.1f} of {total / 1e6:.1f} MB")

    return (lambda done, total, name: None) if quiet else tell


def _dumps(document: Json, indent: int | None = None) -> str:
    """Strict JSON, escaped where the output's encoding lacks characters."""
    encoding = getattr(sys.stdout, "encoding", None) or ""
    escaped = not encoding.lower().startswith("utf")
    return json.dumps(document, indent=indent, ensure_ascii=escaped, allow_nan=False)


@contextlib.contextmanager
def _counter() -> Iterator[Callable[[int, int, str], None]]:
    """A bar that is gone when all is done."""
    with _progress(transient=True) as bar:
        task = bar.add_task("", total=None)
        yield lambda done, total, text: bar.update(
            task, completed=done, total=total, description=text
        )


def _bar(steps: Iterable[Any], total: int, done: int) -> Iterator[Any]:
    with _progress() as bar:
        task, part = bar.add_task("", total=total, completed=done), ("", False)
        whole = (total, done, "")
        for step in steps:
            if part != (part := (step.of, step.apart)) and step.apart:
                bar.reset(task, total=step.steps)  # a bar of its own, with a time of its own
            bar.update(task, completed=step.step, total=step.steps)
            if step.terms is not None or step.of:
                bar.update(task, description=_scores(step))
            if not step.apart:
                whole = (step.steps, step.step, bar.tasks[0].description)
            yield step
        bar.update(task, total=whole[0], completed=whole[1], description=whole[2])


def _progress(transient: bool = False) -> Any:  # noqa: ANN401  (rich is imported late)
    from rich import console, progress, table

    # on a narrow terminal the terms are cut, not the count of steps
    rest = table.Column(ratio=1, no_wrap=True, overflow="ellipsis")
    columns = (
        progress.BarColumn(bar_width=16),
        progress.MofNCompleteColumn(table_column=table.Column(no_wrap=True)),
        progress.TimeRemainingColumn(compact=True),
        progress.TextColumn("{task.description}", table_column=rest),
    )
    screen = console.Console(stderr=True)
    return progress.Progress(*columns, console=screen, expand=True, transient=transient)


def _lines(steps: Iterable[Any]) -> Iterator[Any]:
    part = ""
    for step in steps:
        if step.apart and step.of != part:
            note(step.of)
        part = step.of
        if step.terms is not None:
            note(f"step {step.step}/{step.steps}  {_scores(step)}")
        yield step


def _scores(step: Any) -> str:  # noqa: ANN401  (ssdgm_train is not imported here)
    terms = "  ".join(f"{name} {value:.2f}" for name, value in (step.terms or {}).items())
    of = f"{step.of}: " if step.of else ""
    if step.validation is None:
        return f"{of}{terms}"
    return f"{of}validation {step.validation.words}  {terms}"
