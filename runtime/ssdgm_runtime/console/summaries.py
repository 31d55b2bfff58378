"""Results as lines for people: what every command line prints when JSON is not asked for."""

from typing import Any

from ssdgm_runtime import terminal
from ssdgm_runtime.console import drift as familiar
from ssdgm_runtime.labels import registry
from ssdgm_runtime.rows import dates
from ssdgm_runtime.rows.drift import differences

Json = dict[str, Any]
_SHOWN = 8


def inspect(table: Json) -> str:
    """The result of `commands.inspect`."""
    lines = [f"{table['name']}  {table['description']}", f"id      {table['id']}"]
    lines.append(f"version {table['version']}, of {str(table['created'])[:10]}")
    lines += _trained(table)
    lines.append(f"tasks   {', '.join(table['tasks'])}")
    lines.append(f"labels  {', '.join(map(_quoted, table['labels']))}")
    lines += [_column(column) for column in table["columns"]]
    if table["resize"]:
        lines.append(f"images  {table['resize']}")
    if series := table["series"]:
        order = f", ordered by {series['time']}" if series["time"] else ""
        channels = ", ".join(series["channels"])
        cut = f"cut every {series['stride']} moments of" if series.get("stride") else "one"
        lines.append(f"windows [{channels}] x time, {cut} a {series['series']}{order}")
    for name, graph in table["graphs"].items():
        sides = (", ".join(map(_tensor, graph[side])) for side in ("inputs", "outputs"))
        lines.append(f"{name}: {' -> '.join(sides)}")
    lines += [f"{v['component']} {v['name']}: {v['precision']}" for v in table["variants"]]
    return "\n".join(map(terminal.plain, lines))


def _trained(table: Json) -> list[str]:
    """A line for what a bundle was made of, and how good it was on held-out rows."""
    made, method = table["training"] or {}, (table["model"] or {}).get("family", "")
    scores = [
        f"error {100 * score['error']:.2f} % of {score['rows']} {part} rows"
        for part in ("validation", "test")
        if isinstance(score := made.get(part), dict) and {"error", "rows"} <= score.keys()
    ]
    if "labelled" not in made or "unlabelled" not in made:
        return []
    rows = f"{made['labelled']} labelled and {made['unlabelled']} unlabelled rows"
    return [f"trained {method} on {rows}{''.join(f'; {score}' for score in scores)}"]


def _quoted(name: str) -> str:
    """A name in a list, in quotes where it has a comma of its own."""
    return repr(name) if "," in name or name != name.strip() else name


def _tensor(spec: Json) -> str:
    return f"{spec['name']} {spec['dtype']} [{', '.join(map(str, spec['shape']))}]"


def _column(column: Json) -> str:
    names = column.get("categories", []) if column["kind"] == "category" else []
    shown = ", ".join(map(_quoted, names[:_SHOWN])) + (
        f" and {len(names) - _SHOWN} more" * (len(names) > _SHOWN)
    )
    kind = "date" if column.get("unit") == dates.UNIT else column["kind"]
    return f"column {column['name']}: {kind}{' ' * bool(shown)}{shown}"


def verify(table: Json) -> str:
    """The result of `commands.verify`."""
    lines = [
        f"{c['component']} {c['precision']} on {c['provider']}: {c['rows']} rows, largest"
        f" difference {c['max_abs']:.3g} ({c['worst']:.2%} of what is allowed),"
        f" {len(c['disagreements'])} predictions differ: {'passed' if c['passed'] else 'FAILED'}"
        for c in table["checks"]
    ]
    if table["signer"]:
        lines.append(f"signed by the key {table['signer']}")
    lines.append(f"{table['bundle']}: {'passed' if table['passed'] else 'FAILED'}")
    return "\n".join(map(terminal.plain, lines))


def doctor(table: Json) -> str:
    """The result of `commands.examine`."""
    lines = []
    for finding in table["findings"]:
        lines.append(f"{finding['level']:8} {finding['topic']:10} {finding['found']}")
        if finding["mend"]:
            lines.append(f"{'':19} {finding['mend']}")
    return "\n".join(map(terminal.plain, lines))


def classify(table: Json) -> str:
    """The result of `commands.classify`."""
    if "predictions" not in table:
        done = "classified" if "counts" in table else "predicted"
        return f"{table['rows']} rows {done}: {table['output']}"
    lines = []
    for record in table["predictions"]:
        shown = registry.line(table["space"], record)
        more = (f"{name} {_value(record[name])}" for name in table.get("columns", ()))
        lines.append("  ".join([str(record.get("source", record["row"])), shown, *more]))
    return "\n".join(map(terminal.plain, lines))


def score(table: Json) -> str:
    """The result of `commands.score`."""
    if "scores" not in table:
        return f"{table['rows']} rows scored: {table['output']}"
    lines = []
    for record in table["scores"]:
        parts = [f"score {record['score']:.4g} {table['unit']}".rstrip()]
        if "rank" in record:
            parts.append(f"{record['rank']:.1%} of validation rows are as strange")
        if record.get("inlier") is False:
            parts.append("an outlier")
        lines.append(f"{record.get('source', record['row'])}  {', '.join(parts)}")
    return "\n".join(map(terminal.plain, lines))


def _value(value: object) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def drift(table: Json) -> list[str]:
    """How the rows of `commands.classify` differ from the training's, where they do."""
    columns = differences.sentence(table["drift"]) if table.get("drift") else ""
    rows = familiar.unfamiliar(table.get("familiarity", {}))
    return [f"note: {text}" for text in (columns, rows, *table.get("notes", ())) if text]


def generate(table: Json) -> str:
    """The result of `commands.generate`."""
    what = f" ({table['picture']})" if table["picture"] else ""
    seed = "" if table["seed"] is None else f" with seed {table['seed']}"
    return f"{table['rows']} rows generated{what}{seed}: {table['output']}"
