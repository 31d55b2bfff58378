"""What `data inspect` found, as lines for people."""

import math
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from ssdgm_runtime import errors, terminal

Json = dict[str, Any]
CLASSES, FEATURES = 30, 30
"""Lines of a table; what goes beyond is in the JSON object."""

COMMON = 3
LONGEST = 28
"""Letters of a name."""

EXACT = 1e9
WIDTH = 96
MARK = {"warning": "!", "note": "-"}


def command(data: str, given: Mapping[str, object], changes: Sequence[str]) -> str:
    """The command that trains on this data, with the options that the inspection had."""
    words = ["ssdgm-export", "train", data]
    for name, value in given.items():
        words += [] if value is None else [f"--{name}", str(value)]
    for change in changes:
        words += ["--set", change]
    name = Path(data).name.split(".")[0] or "a"
    return errors.command(*words, "--out", f"runs/{name}")


def inspect(found: Json) -> str:
    """The result of `data inspect`."""
    parts = [
        terminal.fields(_facts(found)),
        _classes(found),
        *([_features(found)] if len(found["features"]) > 1 else []),
        "\n".join(_findings(found)),
        terminal.fields(_training(found)),
        *_settings(found),
    ]
    return "\n\n".join(parts)


def _facts(found: Json) -> Json:
    rows, seen = found["rows"], found["looked_at"]
    blank = f", {rows['unlabelled']:,} unlabelled" if rows["unlabelled"] else ""
    told = f"{rows['labelled']:,} labelled{blank}"
    return {
        "data": found["name"],
        "place": _place(found),
        "a row": _row(found),
        "training": f"{rows['training']:,} rows, counted from 0; {told}",
        "test": f"{rows['test']:,} rows" if rows["test"] else "none",
        **_part(rows, seen),
        "values": _values(found),
        **({"sheet": found["sheet"]} if found["sheet"] else {}),
    }


def _place(found: Json) -> str:
    files = found["files"]
    if not files["count"]:
        return "embedded"
    noun = "file" if files["count"] == 1 else "files"
    return f"{found['path']} ({files['count']:,} {noun}, {files['bytes'] / 1e6:.1f} MB)"


def _row(found: Json) -> str:
    shape = " x ".join(map(str, found["shape"]))
    features = found["features"]
    if found["kind"] in ("rows", "table"):
        numbers = sum(f["kind"] == "number" for f in features)
        others = len(features) - numbers
        noun = "category" if others == 1 else "categories"
        more = f", {others} {noun}" if others else ""
        return f"{found['kind']}: {numbers} numbers{more}, {found['dtype']}"
    axes = {"windows": " [channels, time]"}.get(found["kind"], "")
    return f"{found['kind']} {shape}{axes}, {found['dtype']}"


def _part(rows: Json, seen: Json) -> Json:
    """A line where not all rows were looked at."""
    cut = [
        f"{seen[part]:,} of {rows[part]:,} {part} rows"
        for part in ("training", "test")
        if seen[part] < rows[part]
    ]
    told = f"{' and '.join(cut)}, in blocks spread evenly; counts below are of these"
    return {"sample": told} if cut else {}


def _values(found: Json) -> str:
    if found["low"] is None:
        return "none"
    told = [f"from {_number(found['low'])} to {_number(found['high'])}"]
    if found["levels"]:
        told.append(f"{found['levels']} different ones")
    if found["missing"]:
        told.append(f"{found['missing']:,} missing")
    if found["constant"]:
        noun = {"image": "pixels", "windows": "points"}.get(found["kind"], "columns")
        told.append(f"{found['constant']:,} of {math.prod(found['shape']):,} {noun} never change")
    return ", ".join(told)


def _classes(found: Json) -> str:
    classes = found["classes"]
    if len(classes) <= CLASSES:
        heads = ("label", "training", "test")[: 3 if found["rows"]["test"] else 2]
        rows = [tuple(c[head] for head in heads) for c in classes]
        return terminal.table(rows, ("class", "labels", "test rows")[: len(heads)])
    ranked = sorted(classes, key=lambda c: -c["training"])
    most, fewest = (
        ", ".join(f"{c['label']} {c['training']:,}" for c in part)
        for part in (ranked[:COMMON], ranked[-COMMON:])
    )
    return terminal.fields({"classes": len(classes), "most labels": most, "fewest labels": fewest})


def _features(found: Json) -> str:
    features = found["features"]
    heads = ["name", "kind", *(["missing"] if found["missing"] else []), "distinct"]
    named = [{**f, "name": _short(f["name"])} for f in features[:FEATURES]]
    rows = [(*(f[head] for head in heads), _spread(f)) for f in named]
    text = terminal.table(rows, (*heads, "values"))
    left = len(features) - FEATURES
    return f"{text}\nand {left:,} columns more, which --json lists" if left > 0 else text


def _short(name: str) -> str:
    return name if len(name) <= LONGEST else f"{name[: LONGEST - 1]}…"


def _spread(feature: Json) -> str:
    if feature["low"] is not None:
        low, _, middle, _, high = feature["quantiles"]
        low, middle, high = map(_number, (low, middle, high))
        inner = "" if feature["distinct"] <= 2 else f", median {middle}, 90 % in {low}..{high}"
        return f"{_number(feature['low'])}..{_number(feature['high'])}{inner}"
    told = [
        f"{_short(name)} {count / feature['present']:.0%}"
        for name, count in feature["common"][:COMMON]
    ]
    return ", ".join([*told, *(["..."] if feature["distinct"] > COMMON else [])])


def _number(value: float) -> str:
    """Whole numbers as they are, others with four digits."""
    return f"{value:.0f}" if value == int(value) and abs(value) < EXACT else f"{value:.4g}"


def _findings(found: Json) -> Iterator[str]:
    if not found["findings"]:
        yield "nothing suspicious was found"
    for finding in found["findings"]:
        yield terminal.plain(f"{MARK[finding['level']]} {finding['topic']}")
        for sentence in (f"{finding['found']}.", finding["mend"]):
            yield from textwrap.wrap(
                terminal.plain(sentence), WIDTH, initial_indent="    ", subsequent_indent="    "
            )


def _training(found: Json) -> Json:
    plan, refused = found["training"], found["refused"]
    if refused:
        error = errors.SsdgmError(refused["found"], refused["expected"], refused["mend"])
        return {"train would refuse": str(error)}
    extra = ", whose labels are extra" if plan["validation_labels_are_extra"] else ""
    widths = "; ".join(f"{name} {_plain(value)}" for name, value in plan["networks"].items())
    return {
        "train would use": f"{plan['method']}: {plan['summary']}",
        "recipe": "{name} ({reason})".format(**plan["taken"]),
        "networks": widths,
        "likelihood": f"{plan['likelihood']}: {plan['reason']}",
        "a row becomes": plan["preprocessing"],
        "prior": _prior(plan["prior"]),
        "rows": f"{plan['labelled']:,} labelled, {plan['unlabelled']:,} unlabelled, "
        f"{plan['validation']:,} for validation{extra}",
        "steps": f"{plan['steps']:,}",
    }


def _plain(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


def _prior(prior: Sequence[float]) -> str:
    if max(prior) - min(prior) < 1e-9:
        return f"uniform, {prior[0]:.3g} a class"
    return ", ".join(f"{p:.3g}" for p in prior[:CLASSES])


def _settings(found: Json) -> list[str]:
    """The command, and the recipe that says the same in a file."""
    if found["refused"]:
        return []
    return [
        terminal.plain(found["command"]),
        f"or --recipe with a file of\n\n{terminal.lines(found['training']['recipe'].strip())}",
    ]
