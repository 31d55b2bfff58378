"""Results as lines for people: what every command line prints when JSON is not asked for."""

from collections.abc import Sequence
from typing import Any

from ssdgm_runtime import errors

Json = dict[str, Any]


def table(rows: Sequence[Sequence[object]], header: Sequence[str] = ()) -> str:
    """Columns padded to their widest cell, numbers to the right."""
    lines = [tuple(map(str, row)) for row in ([header, *rows] if header else rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    right = [all(isinstance(c, int | float) for c in column) for column in zip(*rows, strict=True)]
    return "\n".join(_line(cells, widths, right) for cells in lines)


def fields(found: Json) -> str:
    """One line a field: its name and its value."""
    return table([(name, str(value)) for name, value in found.items()])


def sizes(text: str) -> tuple[int, ...]:
    """Batch sizes such as "1,8,64".

    Raises:
        InputError: They are not positive whole numbers with commas.
    """
    words = text.split(",")
    if not all(word.strip().isascii() and word.strip().isdigit() for word in words):
        raise errors.InputError("--batch", repr(text), "whole numbers with commas, such as 1,8,64")
    return tuple(int(word) for word in words)


def inspect(table: Json) -> str:
    """The result of `use_cases.inspect`."""
    lines = [f"{table['name']}  {table['description']}", f"id      {table['id']}"]
    lines.append(f"tasks   {', '.join(table['tasks'])}")
    lines.append(f"labels  {', '.join(table['labels'])}")
    for name, graph in table["graphs"].items():
        sides = (", ".join(map(_tensor, graph[side])) for side in ("inputs", "outputs"))
        lines.append(f"{name}: {' -> '.join(sides)}")
    lines += [f"{v['component']} {v['name']}: {v['precision']}" for v in table["variants"]]
    return "\n".join(lines)


def _tensor(spec: Json) -> str:
    return f"{spec['name']} {spec['dtype']} [{', '.join(map(str, spec['shape']))}]"


def verify(table: Json) -> str:
    """The result of `use_cases.verify`."""
    lines = [
        f"{c['component']} {c['precision']} on {c['provider']}: {c['rows']} rows, largest"
        f" difference {c['max_abs']:.3g} ({c['excess']:.2%} of what is allowed),"
        f" {c['flips']} predictions differ: {'passed' if c['passed'] else 'FAILED'}"
        for c in table["checks"]
    ]
    return "\n".join([*lines, f"{table['bundle']}: {'passed' if table['passed'] else 'FAILED'}"])


def classify(table: Json) -> str:
    """The result of `use_cases.classify`."""
    if "predictions" not in table:
        return f"{table['rows']} rows classified: {table['output']}"
    lines = []
    for record in table["predictions"]:
        best = record.get("top", [[record["name"], record["probability"]]])
        shown = "  ".join(f"{name} {p:.4f}" for name, p in best)
        lines.append(f"{record.get('source', record['row'])}  {shown}")
    return "\n".join(lines)


def generate(table: Json) -> str:
    """The result of `use_cases.generate`."""
    return f"{table['rows']} rows generated with seed {table['seed']}: {table['output']}"


def bench(table: Json) -> str:
    """The result of `use_cases.bench`."""
    head = f"{'graph':<12}{'batch':>6}{'p50 ms':>10}{'p95 ms':>10}{'p99 ms':>10}{'rows/s':>12}"
    lines = [f"{head}{'bare p50':>10}{'ratio':>8}"]
    for cell in table["cells"]:
        own, bare = cell["model"], cell["bare"]
        times = "".join(f"{own[key]:>10.3f}" for key in ("p50_ms", "p95_ms", "p99_ms"))
        lines.append(
            f"{cell['component']:<12}{cell['batch']:>6}{times}{own['rows_per_s']:>12.0f}"
            f"{bare['p50_ms']:>10.3f}{cell['ratio']:>8.2f}"
        )
    return "\n".join([*lines, f"opened and warmed up in {table['load_ms']:.1f} ms"])


def _line(cells: Sequence[str], widths: Sequence[int], right: Sequence[bool]) -> str:
    pairs = zip(cells, widths, right, strict=True)
    return "  ".join(c.rjust(w) if r else c.ljust(w) for c, w, r in pairs).rstrip()
