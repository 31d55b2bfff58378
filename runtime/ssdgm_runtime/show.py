"""Results as lines for people: what every command line prints when JSON is not asked for."""

import contextlib
import os
from collections.abc import Sequence
from typing import IO, Any

Json = dict[str, Any]
_SHOWN = 8


def say(text: str, stream: IO[str] | None, *, sure: bool = True) -> None:
    """Write a text and a newline; quietly nothing where nobody reads, as with `head` or `>&-`.

    What the stream's encoding lacks is written as an escape. After a failure the descriptor is
    led to nowhere, or Python would complain of it as the program ends.

    Args:
        text: The text.
        stream: Where to; None is what Python has for a closed descriptor.
        sure: Raise what goes wrong; without it, as when telling of a failure, nothing is raised.

    Raises:
        OSError: It cannot be written, as on a full disk.
    """
    if stream is None or stream.closed:
        return
    encoding = getattr(stream, "encoding", None) or "utf-8"
    plain = text.encode(encoding, "backslashreplace").decode(encoding)
    try:
        stream.write(f"{plain}\n")
        stream.flush()
    except OSError as error:
        with contextlib.suppress(OSError):
            _divert(stream)
        if sure and not isinstance(error, BrokenPipeError):
            raise


def plain(text: str) -> str:
    """A text whose control characters, which a terminal would obey, are written as escapes."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def lines(text: str) -> str:
    """As `plain`, with the line breaks kept."""
    return "\n".join(map(plain, text.split("\n")))


def _divert(stream: IO[str]) -> None:
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)


def table(rows: Sequence[Sequence[object]], header: Sequence[str] = ()) -> str:
    """Columns padded to their widest cell, numbers to the right."""
    texts = [tuple(plain(str(c)) for c in row) for row in ([header, *rows] if header else rows)]
    widths = [max(map(len, column)) for column in zip(*texts, strict=True)]
    right = [all(map(_is_number, column)) for column in zip(*rows, strict=True)]
    return "\n".join(_line(cells, widths, right) for cells in texts)


def fields(found: Json) -> str:
    """One line a field: its name and its value."""
    return table([(name, str(value)) for name, value in found.items()])


def inspect(table: Json) -> str:
    """The result of `use_cases.inspect`."""
    lines = [f"{table['name']}  {table['description']}", f"id      {table['id']}"]
    lines.append(f"tasks   {', '.join(table['tasks'])}")
    lines.append(f"labels  {', '.join(table['labels'])}")
    lines += [_column(column) for column in table["columns"]]
    if table["resize"]:
        lines.append(f"images  {table['resize']}")
    if found := table["series"]:
        order = f", ordered by {found['time']}" if found["time"] else ""
        channels = ", ".join(found["channels"])
        lines.append(f"windows [{channels}] x time, one a {found['series']}{order}")
    for name, graph in table["graphs"].items():
        sides = (", ".join(map(_tensor, graph[side])) for side in ("inputs", "outputs"))
        lines.append(f"{name}: {' -> '.join(sides)}")
    lines += [f"{v['component']} {v['name']}: {v['precision']}" for v in table["variants"]]
    return "\n".join(map(plain, lines))


def _tensor(spec: Json) -> str:
    return f"{spec['name']} {spec['dtype']} [{', '.join(map(str, spec['shape']))}]"


def _column(told: Json) -> str:
    names = told.get("categories", []) if told["kind"] == "category" else []
    shown = ", ".join(names[:_SHOWN]) + (
        f" and {len(names) - _SHOWN} more" * (len(names) > _SHOWN)
    )
    return f"column {told['name']}: {told['kind']}{' ' * bool(shown)}{shown}"


def verify(table: Json) -> str:
    """The result of `use_cases.verify`."""
    lines = [
        f"{c['component']} {c['precision']} on {c['provider']}: {c['rows']} rows, largest"
        f" difference {c['max_abs']:.3g} ({c['worst']:.2%} of what is allowed),"
        f" {len(c['disagreements'])} predictions differ: {'passed' if c['passed'] else 'FAILED'}"
        for c in table["checks"]
    ]
    lines.append(f"{table['bundle']}: {'passed' if table['passed'] else 'FAILED'}")
    return "\n".join(map(plain, lines))


def doctor(table: Json) -> str:
    """The result of `use_cases.examine`."""
    lines = []
    for finding in table["findings"]:
        lines.append(f"{finding['level']:8} {finding['topic']:10} {finding['found']}")
        if finding["mend"]:
            lines.append(f"{'':19} {finding['mend']}")
    return "\n".join(map(plain, lines))


def classify(table: Json) -> str:
    """The result of `use_cases.classify`."""
    if "predictions" not in table:
        return f"{table['rows']} rows classified: {table['output']}"
    lines = []
    for record in table["predictions"]:
        best = record.get("top", [[record["name"], record["probability"]]])
        shown = "  ".join(f"{name} {p:.4f}" for name, p in best)
        lines.append(f"{record.get('source', record['row'])}  {shown}")
    return "\n".join(map(plain, lines))


def generate(table: Json) -> str:
    """The result of `use_cases.generate`."""
    what = f" ({table['picture']})" if table["picture"] else ""
    seed = "" if table["seed"] is None else f" with seed {table['seed']}"
    return f"{table['rows']} rows generated{what}{seed}: {table['output']}"


def _is_number(cell: object) -> bool:
    try:
        float(str(cell))
    except ValueError:
        return False
    return True


def _line(cells: Sequence[str], widths: Sequence[int], right: Sequence[bool]) -> str:
    pairs = zip(cells, widths, right, strict=True)
    return "  ".join(c.rjust(w) if r else c.ljust(w) for c, w, r in pairs).rstrip()
