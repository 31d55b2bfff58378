"""The commands that work on a bundle, as every command line offers them."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from ssdgm_runtime import errors
from ssdgm_runtime.bench import backends, load, request, summary
from ssdgm_runtime.bundle.trust import keys
from ssdgm_runtime.console import commands, serving, signatures, summaries
from ssdgm_runtime.console.command import REQUIRED, Command, Host, Json, Option

Value = Any
"""The value of an option; each has its own type."""

AS_JSON = Option("--json", "Print one JSON object on standard output.", bool)
QUIET = Option("--quiet", "Show no progress on standard error.", bool, short="-q")
FORCE = Option("--force", "Replace output files that exist.", bool)


def _listed(flag: str, text: str, default: str | None = None) -> Option:
    return Option(flag, text, str, default, metavar="X,X")


_BUNDLE = Option("BUNDLE", "A .ssdgm folder, or a .zip of one.", Path, REQUIRED)
_AGAINST = "Engines to compare with: raw, openvino, torch, torch-compile, or none."
_ARRIVAL = "How calls arrive: closed, or poisson:RATE or uniform:RATE per second."
_CLASS = "Name or index of a class; repeatable. [default: every class]"
_FAIL_IF = "Exit with status 1 if this holds, for example p95>+10%; repeatable."
_PARTIAL = Option(
    "--allow-partial", "Let a named provider leave parts of a graph to the CPU.", bool
)
_ENGINE = (
    Option("--provider", "Execution provider: auto, cpu, cuda, or its full name.", str, "auto"),
    Option("--variant", "Variant of the graphs: auto, or a precision such as int8.", str, "auto"),
    Option("--threads", "Number of threads of the session.", int),
    _PARTIAL,
    Option("--isolated", "Run graphs in processes with limits of memory and time.", bool),
)
_HERE, _RAY = "here", "ray"
_CLUSTER = (
    Option(
        "--engine",
        "Where to compute: here, or ray, by the workers of Ray Data, to a folder of Parquet.",
        str,
        _HERE,
    ),
    Option("--ray-address", "Address of a Ray cluster. [default: this machine]", str),
    Option("--workers", "Number of Ray's workers. [default: one per processor]", int),
)
_CLASSIFY = (
    _BUNDLE,
    Option(
        "ROWS",
        "Rows to classify: npz, npy, IDX, CSV, Parquet, JSON lines, an image, a folder.",
        Path,
        REQUIRED,
    ),
    Option(
        "--out", "Write the labels to this .csv, .parquet, .jsonl or .npy file.", Path, short="-o"
    ),
    Option("--top", "Number of labels to list for each row.", int, 1),
    _listed("--keep", "Columns of the rows' table to repeat, such as id,date."),
    Option("--probabilities", "Add the probability of each label, as prob_NAME.", bool),
    Option("--batch-size", "Largest number of rows to compute at once.", int),
    *_ENGINE,
    *_CLUSTER,
    FORCE,
)
_OTHERWISE = {
    "ROWS": Option(
        "ROWS",
        "Rows to predict: npz, npy, IDX, CSV, Parquet, JSON lines, an image, a folder.",
        Path,
        REQUIRED,
    ),
    "--out": Option(
        "--out",
        "Write the labels to this .csv, .parquet, .jsonl or .npy file; masks also to an .npz or "
        ".png file, or to a folder.",
        Path,
        short="-o",
    ),
}
_PREDICT = tuple(_OTHERWISE.get(option.flag, option) for option in _CLASSIFY)
_SCORE = tuple(
    Option("--out", "Write the scores to this .csv, .jsonl or .npy file.", Path, short="-o")
    if option.flag == "--out"
    else option
    for option in _PREDICT
    if option.flag not in ("--top", "--keep", "--probabilities")
)
_PICTURES = (
    Option("--styles", "Draw one style per line and one class per column.", bool),
    Option("--analogies", "Draw each row of --rows, then its style in every class.", bool),
    Option("--walk", "Draw a walk through the latent plane of each class.", bool),
)
_GENERATE = (
    _BUNDLE,
    Option(
        "--out",
        "Write to this .png grid, .npz file, or .csv table; with --engine ray to a folder.",
        Path,
        REQUIRED,
        "-o",
    ),
    Option("--class", _CLASS, metavar="CLASS", repeatable=True),
    *_PICTURES,
    Option("--rows", "Rows for --analogies, and for --walk unless the latent is 2-D.", Path),
    Option("-n", "Number of rows per class, or of lines of a picture.", int, 8),
    Option("--seed", "Random seed of the draws. [default: a fresh one, reported]", int),
    Option("--sample", "Draw x at random instead of writing its expected value.", bool),
    Option("--temperature", "Factor to multiply the random latents by.", float, 1.0),
    *_ENGINE,
    *_CLUSTER,
    FORCE,
)
_REQUEST = (
    _listed("--batch", "Numbers of rows per call. [default: 1,8,64,256]"),
    _listed("--threads", "Numbers of threads of a session."),
    _listed("--component", "Graphs to time. [default: all]"),
    _listed("--provider", "Execution providers: auto, cpu, cuda, or full names.", "auto"),
    _listed("--variant", "Variants of the graphs: auto, all, or precisions such as int8.", "auto"),
    _listed("--concurrency", "Numbers of simultaneous callers.", "1"),
    Option("--arrival", _ARRIVAL, str, load.CLOSED),
    _listed("--against", _AGAINST, backends.RAW),
    Option("--batcher", "Send single rows through Model.batcher.", bool),
    Option("--seconds", "Seconds to measure each line of the table.", float, request.SECONDS),
    Option("--cold", "Number of fresh processes to time the start of.", int, request.COLD),
    Option("--rows", "Labelled rows to count errors on: .npz or an IDX pair.", Path),
    _PARTIAL,
)
_RESULT = (
    Option("--out", "Write the report to this .json file.", Path, short="-o"),
    Option("--plot", "Draw the report to this .png file.", Path),
    Option("--baseline", "An older report to compare with.", Path),
    Option("--fail-if", _FAIL_IF, metavar="CONDITION", repeatable=True),
    FORCE,
)
_TRUSTED = Option(
    "--key",
    "Public key that must have signed the bundle; repeatable.",
    Path,
    metavar="FILE",
    repeatable=True,
)
_KEY = (
    Option(
        "--out",
        "Write the private key to this file, the public one to FILE.pub.",
        Path,
        REQUIRED,
        "-o",
    ),
    Option(
        "--kind",
        "Kind of key: ed25519, or p256, which model_signing takes too.",
        str,
        keys.ED25519,
    ),
    FORCE,
)
_SIGN = (
    _BUNDLE,
    Option("--key", "Private key to sign with, a PEM file.", Path, REQUIRED),
    Option("--force", "Replace a signature that is there.", bool),
)
_RUN = Option("--run", "The run that the bundle was made from; torch needs it.", Path)


def inspect(host: Host, **values: Value) -> Json:
    """Show what a bundle contains, and check its files' digests."""
    return commands.inspect(**values)


def verify(host: Host, **values: Value) -> Json:
    """Check a bundle's digests, and run its golden rows here."""
    return commands.verify(**values)


def key(host: Host, **values: Value) -> Json:
    """Make a key to sign bundles with."""
    return signatures.key(**values)


def sign(host: Host, **values: Value) -> Json:
    """Sign a bundle, after a check of its digests."""
    return signatures.sign(**values)


def classify(host: Host, **values: Value) -> Json:
    """Classify the rows of a file or folder."""
    return _computed(commands.classify, "classify", values)


def predict(host: Host, **values: Value) -> Json:
    """Predict labels of any kind: classes, tags, numbers or masks."""
    from ssdgm_runtime.console import masks

    return _computed(masks.predict, "predict", values)


def score(host: Host, **values: Value) -> Json:
    """Score how unlike the training rows each row is."""
    return _computed(commands.score, "score", values)


def _computed(here: Callable[..., Json], task: str, values: dict[str, Value]) -> Json:
    """What a command gives, computed here or on a cluster."""
    cluster = _cluster(values)
    if cluster is None:
        return here(**values)
    from ssdgm_runtime.console.cluster import engine

    return engine.run(task, **values, **cluster)


def _cluster(values: dict[str, Value]) -> dict[str, Value] | None:
    """Take the options of a cluster out of all values; None where one computes here."""
    engine, address, workers = (values.pop(option.name) for option in _CLUSTER)
    if engine == _RAY:
        return {"ray_address": address, "workers": workers}
    if engine != _HERE:
        raise errors.UsageError(f"--engine is {engine!r}", f"{_HERE} or {_RAY}")
    if address is not None or workers is not None:
        stray = "--ray-address" if address is not None else "--workers"
        raise errors.UsageError(f"{stray} has no effect here", mend="Add --engine ray.")
    return None


def generate(host: Host, class_: list[str] | None, **values: Value) -> Json:
    """Generate rows by class and write them to a file."""
    names = [option.name for option in _PICTURES if values.pop(option.name)]
    if len(names) > 1:
        problem = f"--{names[0]} and --{names[1]} exclude each other"
        raise errors.UsageError(problem, mend="Choose one of them.")
    cluster = _cluster(values)
    if cluster is None:
        picture = names[0] if names else None
        return commands.generate(**values, classes=class_ or (), picture=picture)
    from ssdgm_runtime.console.cluster import engine

    if stray := [*names, *["rows"] * (values.pop("rows") is not None)]:
        problem = f"--{stray[0]} has no effect with --engine ray"
        raise errors.UsageError(problem, mend="Leave one of the two out.")
    return engine.generate(**values, **cluster, classes=class_ or ())


def bench(host: Host, bundle: Path, run: Path | None, **values: Value) -> Json:
    """Time every graph next to a bare onnxruntime session."""
    from ssdgm_runtime.bench import outcome

    if run is not None and host.openers is None:
        raise backends.training_install("--run", "PyTorch", "--against raw,torch --run RUN")
    engines = host.openers(run) if run is not None and host.openers is not None else {}
    asked = request.parse(**{option.name: values[option.name] for option in _REQUEST})
    draw = host.drawer() if host.drawer and values["plot"] else None
    values["fail_if"] = values["fail_if"] or ()
    result = outcome.Result(**{o.name: values[o.name] for o in _RESULT}, draw=draw)
    return commands.bench(bundle, asked, result, engines=engines, watch=host.watch)


def serve(_: Host, /, **values: Value) -> Json:
    """Serve a bundle over HTTP by the Open Inference Protocol."""
    return serving.serve(**values)


def doctor(host: Host) -> Json:
    """Check if bundles can run on this machine, and suggest fixes."""
    return commands.examine()


COMMANDS = (
    Command(inspect, summaries.inspect, (_BUNDLE,)),
    Command(verify, summaries.verify, (_BUNDLE, _TRUSTED, *_ENGINE)),
    Command(classify, summaries.classify, _CLASSIFY, notes=summaries.drift),
    Command(predict, summaries.classify, _PREDICT, notes=summaries.drift),
    Command(score, summaries.score, _SCORE, notes=summaries.drift),
    Command(generate, summaries.generate, _GENERATE),
    Command(bench, summary.bench, (_BUNDLE, *_REQUEST, _RUN, *_RESULT), progress=True),
    Command(key, signatures.made, _KEY),
    Command(sign, signatures.signed, _SIGN),
    Command(serve, serving.served, (_BUNDLE, *serving.OPTIONS, *_ENGINE)),
    Command(doctor, summaries.doctor),
)
