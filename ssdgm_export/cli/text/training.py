"""What `train` did, as lines for people."""

import json
from pathlib import Path
from typing import Any

from ssdgm_runtime import errors, terminal
from ssdgm_runtime.rows import columns

Json = dict[str, Any]

PLURALS = {"number": "numbers", "category": "categories", "boolean": "booleans"}


def taken(recipe: Json) -> str:
    """A recipe's name, and why it was taken."""
    return f"{recipe['name']} ({recipe['reason']})"


def summary(result: Json) -> str:
    """The outcome of `train`."""
    rows = result["rows"]
    bundle = f"{Path(result['run']).name}.ssdgm"
    extra = "extra labels" if result["validation_labels_are_extra"] else "labels of the budget"
    lines = {
        "run": result["run"],
        **({"recipe": taken(result["recipe"])} if result["recipe"] else {}),
        **_init(result["init"]),
        "rows": f"{rows['labelled']} labelled, {rows['unlabelled']} unlabelled, "
        f"{rows['validation']} for validation ({extra})",
        **_columns(result["columns"]),
        **_left(result["left"]),
        **{part: _score(result[part]) for part in ("validation", "test")},
        "unlabelled": _score(result["unlabelled"], "no labels known"),
        **_baseline(result.get("baseline")),
        "temperature": _temperature(result),
        **_encoder(result),
        "report": result["report"] or "none",
        "next": errors.command("ssdgm-export", "convert", result["run"], "-o", bundle),
    }
    return "\n\n".join([terminal.fields(lines), *_portfolio(result["portfolio"])])


def _portfolio(record: Json | None) -> list[str]:
    """The table of a search among recipes, and what is to be said of it."""
    from ssdgm_train.portfolio import words

    if not record:
        return []
    trials = words.read(record)
    table = terminal.table(words.table(trials), words.HEADING)
    return [table, "\n".join(words.sentences(trials))]


def _columns(kinds: Json) -> Json:
    """A line for what the columns of a table were taken for."""
    named = {PLURALS[kind]: names for kind, names in kinds.items() if names}
    numbers = [f"{len(names)} {what}" for what, names in named.items() if what == "numbers"]
    others = [
        f"{what} {columns.some(names)}" for what, names in named.items() if what != "numbers"
    ]
    return {"columns": "; ".join([*numbers, *others])} if named else {}


def _left(names: list[str]) -> Json:
    """A line for columns that only tell rows apart."""
    keep = f"--set 'data.categorical=[\"{names[0]}\"]' keeps it" if names else ""
    return {"left out": f"{columns.some(names)}, as identifiers; {keep}"} if names else {}


def _init(init: Json | None) -> Json:
    """A line for the model that the run began with, and for what came with it."""
    if init is None:
        return {}
    done = f"; done already: {', '.join(init['done'])}" if init["done"] else ""
    taken = ", ".join(f"{name}={json.dumps(value)}" for name, value in init["settings"].items())
    return {"init": init["source"] + (f", whose {taken} are taken" if taken else "") + done}


def _score(score: Json | None, missing: str = "no rows") -> str:
    if score is None:
        return missing
    from ssdgm_train.evaluation import Score

    rows, micro, more = f"{score['rows']} rows", score.get("micro_f1"), ""
    if micro is not None:
        rows, more = f"the tags of {rows}", f"micro-F1 {micro:.3f}, "
    if score.get("rmse") is not None:
        mae, r2 = ([f"{n:.4g}" for n in score[key]] for key in ("mae", "r2"))
        more = f"MAE {', '.join(mae)}, R2 {', '.join(r2)}, "
    if score.get("pck") is not None:
        off = sum(score["mae"]) / len(score["mae"])
        more = f"{off:.2f} pixels off across or down on average, "
    known = Score(**score)
    if known.outlying:
        return f"{known.words} of {rows}, mean score of normal rows {score['nll']:.3f} nats"
    return f"{known.words} of {rows}, {more}NLL {score['nll']:.3f} nats, ECE {score['ece']:.3f}"


def _baseline(record: Json | None) -> Json:
    """Lines for the baseline, and for label spreading, where there are rows to compare on."""
    from ssdgm_train.runs import baseline

    part = record and next((p for p in ("validation", "test") if record[p]), None)
    if not record or not part:
        return {}
    beside = baseline.read(record)
    line = baseline.sentence(getattr(beside, part), beside.method, beside.measure)
    also = baseline.others(beside, part)
    return {"baseline": line, **({"graph": "; ".join(also)} if also else {})}


def _temperature(result: Json) -> str:
    from ssdgm_train.evaluation import calibration

    before, after = result["uncalibrated"]["validation"], result["validation"]
    if result["temperature"] == 1:
        return f"{result['temperature']:.2f}"
    if before is None or before["rows"] < calibration.FEWEST:
        return f"{result['temperature']:.2f}, by the labelled rows that folds held out"
    return (
        f"{result['temperature']:.2f}, for which validation NLL went "
        f"from {before['nll']:.3f} to {after['nll']:.3f} nats"
    )


def _encoder(result: Json) -> Json:
    """Lines for what the encoder has learnt, where there is one."""
    lines, latents, vote = {}, result["latents"], result["neighbours"]
    if latents:
        lines["latents"] = f"{len(latents['active'])} of {latents['size']} active"
        if "kept" in latents:
            lines["latents"] += f", on {len(latents['kept'])} features"
    if vote:
        lines["neighbours"] = f"error {100 * vote['error']:.2f} % by the {vote['k']} nearest"
    return lines
