"""What `train` did, as lines for people."""

import json
from pathlib import Path
from typing import Any

from ssdgm_runtime import errors, terminal
from ssdgm_runtime.rows import columns

Json = dict[str, Any]

PLURALS = {"number": "numbers", "category": "categories", "boolean": "booleans"}


def taken(found: Json) -> str:
    """A recipe's name, and why it was taken."""
    return f"{found['name']} ({found['reason']})"


def summary(found: Json) -> str:
    """The outcome of `train`."""
    rows = found["rows"]
    bundle = f"{Path(found['run']).name}.ssdgm"
    extra = "extra labels" if found["validation_labels_are_extra"] else "labels of the budget"
    lines = {
        "run": found["run"],
        **({"recipe": taken(found["recipe"])} if found["recipe"] else {}),
        **_init(found["init"]),
        "rows": f"{rows['labelled']} labelled, {rows['unlabelled']} unlabelled, "
        f"{rows['validation']} for validation ({extra})",
        **_columns(found["columns"]),
        **{part: _score(found[part]) for part in ("validation", "test")},
        "unlabelled": _score(found["unlabelled"], "no labels known"),
        **_baseline(found.get("baseline")),
        "temperature": _temperature(found),
        **_encoder(found),
        "report": found["report"] or "none",
        "next": errors.command("ssdgm-export", "convert", found["run"], "-o", bundle),
    }
    return terminal.fields(lines)


def _columns(kinds: Json) -> Json:
    """A line for what the columns of a table were taken for."""
    told = {PLURALS[kind]: names for kind, names in kinds.items() if names}
    numbers = [f"{len(names)} {what}" for what, names in told.items() if what == "numbers"]
    others = [f"{what} {columns.some(names)}" for what, names in told.items() if what != "numbers"]
    return {"columns": "; ".join([*numbers, *others])} if told else {}


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
    return (
        f"error {100 * score['error']:.2f} % of {score['rows']} rows, "
        f"NLL {score['nll']:.3f} nats, ECE {score['ece']:.3f}"
    )


def _baseline(found: Json | None) -> Json:
    """A line for the supervised baseline, where there are held-out rows to compare on."""
    from ssdgm_train.runs import baseline, records

    compared = found and (found["validation"] or found["test"])
    return {"baseline": baseline.sentence(records.Comparison(**compared))} if compared else {}


def _temperature(found: Json) -> str:
    before, after = found["uncalibrated"]["validation"], found["validation"]
    if before is None or found["temperature"] == 1:
        return f"{found['temperature']:.2f}"
    return (
        f"{found['temperature']:.2f}, for which validation NLL went "
        f"from {before['nll']:.3f} to {after['nll']:.3f} nats"
    )


def _encoder(found: Json) -> Json:
    """Lines for what the encoder has learnt, where there is one."""
    lines, latents, vote = {}, found["latents"], found["neighbours"]
    if latents:
        lines["latents"] = f"{len(latents['active'])} of {latents['size']} active"
        if "kept" in latents:
            lines["latents"] += f", on {len(latents['kept'])} features"
    if vote:
        lines["neighbours"] = f"error {100 * vote['error']:.2f} % by the {vote['k']} nearest"
    return lines
