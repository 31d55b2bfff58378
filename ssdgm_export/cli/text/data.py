"""What `data inspect` found, as lines for people."""

import math
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from ssdgm_runtime import errors, terminal
from ssdgm_runtime.rows import dates

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


def inspect(result: Json) -> str:
    """The result of `data inspect`."""
    parts = [
        terminal.fields(_facts(result)),
        _classes(result),
        *([_features(result)] if len(result["features"]) > 1 else []),
        "\n".join(_findings(result)),
        terminal.fields(_training(result)),
        *_settings(result),
    ]
    return "\n\n".join(parts)


def _facts(result: Json) -> Json:
    rows, seen = result["rows"], result["looked_at"]
    blank = f", {rows['unlabelled']:,} unlabelled" if rows["unlabelled"] else ""
    labels = f"{rows['labelled']:,} labelled{blank}"
    return {
        "data": result["name"],
        "place": _place(result),
        "a row": _row(result),
        "training": f"{rows['training']:,} rows, counted from 0; {labels}",
        "test": f"{rows['test']:,} rows" if rows["test"] else "none",
        **_part(rows, seen),
        "values": _values(result),
        **({"sheet": result["sheet"]} if result["sheet"] else {}),
    }


def _place(result: Json) -> str:
    files = result["files"]
    if not files["count"]:
        return "embedded"
    noun = "file" if files["count"] == 1 else "files"
    return f"{result['path']} ({files['count']:,} {noun}, {files['bytes'] / 1e6:.1f} MB)"


def _row(result: Json) -> str:
    shape = " x ".join(map(str, result["shape"]))
    features = result["features"]
    if result["views"]:
        return "; ".join(map(_view, result["views"]))
    if result["kind"] in ("rows", "table"):
        numbers = sum(f["kind"] == "number" for f in features)
        others = len(features) - numbers
        noun = "category" if others == 1 else "categories"
        more = f", {others} {noun}" if others else ""
        return f"{result['kind']}: {numbers} numbers{more}, {result['dtype']}"
    axes = {"windows": " [channels, time]"}.get(result["kind"], "")
    return f"{result['kind']} {shape}{axes}, {result['dtype']}"


def _view(view: Json) -> str:
    shape = " x ".join(map(str, view["shape"]))
    missing = f", missing in {view['missing']:,} rows" if view["missing"] else ""
    return f"{view['name']}: {view['kind']} {shape}, {view['dtype']}{missing}"


def _part(rows: Json, seen: Json) -> Json:
    """A line where not all rows were looked at."""
    cut = [
        f"{seen[part]:,} of {rows[part]:,} {part} rows"
        for part in ("training", "test")
        if seen[part] < rows[part]
    ]
    sample = f"{' and '.join(cut)}, in blocks spread evenly; counts below are of these"
    return {"sample": sample} if cut else {}


def _values(result: Json) -> str:
    if result["low"] is None:
        return "none"
    parts = [f"from {_number(result['low'])} to {_number(result['high'])}"]
    if result["levels"]:
        parts.append(f"{result['levels']} different ones")
    if result["missing"]:
        parts.append(f"{result['missing']:,} missing")
    if result["constant"]:
        noun = {"image": "pixels", "windows": "points"}.get(result["kind"], "columns")
        parts.append(
            f"{result['constant']:,} of {math.prod(result['shape']):,} {noun} never change"
        )
    return ", ".join(parts)


def _classes(result: Json) -> str:
    classes, tags = result["classes"], result["tags"]
    if tags:
        return _tags(result)
    if result["numbers"]:
        return _numbers(result["numbers"])
    if result["places"]:
        return _masks(result)
    if len(classes) <= CLASSES:
        heads = ("label", "training", "test")[: 3 if result["rows"]["test"] else 2]
        rows = [tuple(c[head] for head in heads) for c in classes]
        return terminal.table(rows, ("class", "labels", "test rows")[: len(heads)])
    ranked = sorted(classes, key=lambda c: -c["training"])
    most, fewest = (
        ", ".join(f"{c['label']} {c['training']:,}" for c in part)
        for part in (ranked[:COMMON], ranked[-COMMON:])
    )
    return terminal.fields({"classes": len(classes), "most labels": most, "fewest labels": fewest})


def _masks(result: Json) -> str:
    """How many pictures show each class, and what share of labelled pictures' places it has."""
    *shares, blank = result["places"]
    tested = bool(result["rows"]["test"])
    heads = ("class", "pictures", "share of places", *(["test pictures"] if tested else []))
    rows = [
        (
            _short(str(c["label"])),
            f"{c['training']:,}",
            f"{share:.1%}",
            *([f"{c['test']:,}"] if tested else []),
        )
        for c, share in zip(result["classes"][:CLASSES], shares, strict=False)
    ]
    return f"{terminal.table(rows, heads)}\n{blank:.1%} of their places have no label"


def _numbers(numbers: Sequence[Json]) -> str:
    """How each number is distributed over training rows."""
    heads = ("number", "labels", "mean", "deviation", "values")
    rows = [
        (
            _short(each["name"]),
            f"{each['known']:,}",
            *(_number(each[key]) for key in ("mean", "deviation")),
            "{}..{}, median {}, 90 % in {}..{}".format(
                *(_number(each["quantiles"][k]) for k in (0, 4, 2, 1, 3))
            ),
        )
        for each in numbers
    ]
    return terminal.table(rows, heads)


def _tags(result: Json) -> str:
    """How many rows have each tag, and of how many it is not known."""
    tags, heads = result["tags"], ["tag", "rows that have it"]
    columns = [[_short(str(c["label"])) for c in result["classes"]]]
    columns.append([c["training"] for c in result["classes"]])
    if any(tags["missing"]):
        heads.append("not known")
        columns.append(tags["missing"])
    if result["rows"]["test"]:
        heads.append("test rows")
        columns.append([c["test"] for c in result["classes"]])
    rows = list(zip(*columns, strict=True))
    mean = f"{tags['cardinality']:.2f} a row, on {tags['complete']:,} rows with all entries known"
    left = {"and more": f"{len(rows) - CLASSES:,} tags, which --json lists"}
    facts = terminal.fields({"tags": mean, **(left if len(rows) > CLASSES else {})})
    return f"{terminal.table(rows[:CLASSES], tuple(heads))}\n{facts}"


def _features(result: Json) -> str:
    features = result["features"]
    heads = ["name", "kind", *(["missing"] if result["missing"] else []), "distinct"]
    dated, some = {dates.UNIT: {"kind": "date"}}, features[:FEATURES]
    named = [{**f, "name": _short(f["name"]), **dated.get(f["unit"], {})} for f in some]
    rows = [(*(f[head] for head in heads), _spread(f)) for f in named]
    text = terminal.table(rows, (*heads, "values"))
    left = len(features) - FEATURES
    return f"{text}\nand {left:,} columns more, which --json lists" if left > 0 else text


def _short(name: str) -> str:
    return name if len(name) <= LONGEST else f"{name[: LONGEST - 1]}…"


def _spread(feature: Json) -> str:
    if feature["low"] is not None:
        written = dates.written if feature["unit"] == dates.UNIT else _number
        low, _, middle, _, high = map(written, feature["quantiles"])
        inner = "" if feature["distinct"] <= 2 else f", median {middle}, 90 % in {low}..{high}"
        return f"{written(feature['low'])}..{written(feature['high'])}{inner}"
    shares = [
        f"{_short(name)} {count / feature['present']:.0%}"
        for name, count in feature["common"][:COMMON]
    ]
    return ", ".join([*shares, *(["..."] if feature["distinct"] > COMMON else [])])


def _number(value: float) -> str:
    """Whole numbers as they are, others with four digits."""
    return f"{value:.0f}" if value == int(value) and abs(value) < EXACT else f"{value:.4g}"


def _findings(result: Json) -> Iterator[str]:
    if not result["findings"]:
        yield "nothing suspicious was found"
    for finding in result["findings"]:
        yield terminal.plain(f"{MARK[finding['level']]} {finding['topic']}")
        for sentence in (f"{finding['found']}.", finding["mend"]):
            yield from textwrap.wrap(
                terminal.plain(sentence), WIDTH, initial_indent="    ", subsequent_indent="    "
            )


def _training(result: Json) -> Json:
    plan, refused = result["training"], result["refused"]
    if refused:
        error = errors.SsdgmError(refused["found"], refused["expected"], refused["mend"])
        return {"train would refuse": str(error)}
    extra = ", whose labels are extra" if plan["validation_labels_are_extra"] else ""
    widths = "; ".join(f"{name} {_plain(value)}" for name, value in plan["networks"].items())
    return {
        "train would use": f"{plan['method']}: {plan['summary']}",
        "recipe": "{name} ({reason})".format(**plan["taken"]),
        **_compared(plan),
        "networks": widths,
        "likelihood": f"{plan['likelihood']}: {plan['reason']}",
        "a row becomes": plan["preprocessing"],
        **_expected(result["labels"], plan),
        "rows": f"{plan['labelled']:,} labelled, {plan['unlabelled']:,} unlabelled, "
        f"{plan['validation']:,} for validation{extra}",
        "steps": f"{plan['steps']:,}" if plan["minutes"] is None else f"at most {plan['steps']:,}",
        "augmentation": plan["augmentation"],
    }


def _compared(plan: Json) -> Json:
    """A line for what the recipe is compared with."""
    if plan["minutes"] is None:
        return {}
    time = f"in about {plan['minutes']:g} minutes (--budget)"
    if not plan["compared"]:
        return {"compared with": f"nothing, for such rows and labels; trained {time}"}
    others = ", ".join(plan["compared"])
    return {"compared with": f"{others}; the best by cross-validation is trained, {time}"}


def _plain(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


def _expected(space: str, plan: Json) -> Json:
    """A line for what labels are expected to be, or for what they are told by."""
    if space != "one-class":
        return {"prior": _prior(plan["prior"])}
    share = f"a share of {plan['false_alarms']:g} of normal rows may be above it"
    return {"threshold": f"found on the validation rows: {share}"}


def _prior(prior: Sequence[float]) -> str:
    if not prior:
        return "normal, with the mean and deviation of the labelled rows"
    if max(prior) - min(prior) < 1e-9:
        return f"uniform, {prior[0]:.3g} a class"
    return ", ".join(f"{p:.3g}" for p in prior[:CLASSES])


def _settings(result: Json) -> list[str]:
    """The command, and the recipe that says the same in a file."""
    if result["refused"]:
        return []
    plan = result["training"]
    alone = "" if plan["minutes"] is None else ", without comparing,"
    return [
        terminal.plain(result["command"]),
        f"or{alone} --recipe with a file of\n\n{terminal.lines(plan['recipe'].strip())}",
    ]
