"""The pages of Python's names: each package's `__all__`, and what a model answers."""

import functools
import importlib
import posixpath
import re

PACKAGES = {
    "ssdgm_runtime": "Runs bundles: numpy and an engine, nothing else. "
    "[The runtime in full](../runtime/README.md) is the guide to it.",
    "ssdgm_train": "Trains models. [From Python and scikit-learn](../train/README.md) is the "
    "guide to it.",
    "ssdgm_export": "Exports what was trained, and has scikit-learn's face. "
    "[Commands](../commands.md) has the same without Python.",
}
FIRST = (
    *("load", "Model", "Options"),
    *("begin", "train", "resume", "recipe", "Session", "Progress"),
    *("SemiSupervisedClassifier", "SemiSupervisedRegressor", "OutlierDetector", "convert"),
)
"""What most readers look for, in this order."""
ANSWERS = (
    "labels.classes.Classification",
    "labels.tags.Tagging",
    "labels.continuous.Estimate",
    "labels.one_class.Verdict",
    "labels.segmentation.Segmentation",
    "inference.answers.Latent",
    "inference.answers.Samples",
    "inference.answers.Scores",
    "inference.verification.VerifyReport",
    "inference.verification.Check",
    "inference.batching.Batcher",
    "engine.options.Placement",
)
"""What the methods of `Model` give back, in ssdgm_runtime."""

ERROR = "error"
OF_CODE = ("CHANGELOG.md", "CONTRIBUTING.md", "architecture.md", "train/NOTATION.md")
"""Pages whose names are those of the code, which has a `Model` of its own in each package."""

LOAD = (
    "`load` is the class [`Model`][ssdgm_runtime.Model] under a shorter name: `load(path, ...)` "
    "takes its arguments and raises its errors."
)


def pages() -> dict[str, str]:
    """The pages by their paths on the site."""
    made = {f"api/{name}.md": page(name, about) for name, about in PACKAGES.items()}
    return {**made, "api/answers.md": answers()}


def page(name: str, about: str) -> str:
    """The public names of a package: what it does first, then its errors."""
    package = importlib.import_module(name)
    public = sorted(package.__all__, key=_place)
    errors = [each for each in public if _is_error(getattr(package, each))]
    others = [each for each in public if each not in errors]
    parts = [f"# {name}", about, *(_entry(name, each) for each in others)]
    if errors:
        parts += ["## Errors", "[Errors](../errors.md) says of each what to do."]
        parts += [_entry(name, each, level=3) for each in errors]
    return "\n\n".join(parts) + "\n"


def _place(name: str) -> tuple[int, str]:
    """Where a name stands on its page."""
    return (FIRST.index(name) if name in FIRST else len(FIRST) + name.startswith("_"), name)


def _is_error(value: object) -> bool:
    return (
        isinstance(value, type)
        and issubclass(value, Exception)
        and value.__name__ != "DriftWarning"
    )


def linked(text: str, path: str) -> str:
    """Prose of a page whose public names in backticks lead to where they are described."""
    if path in OF_CODE:
        return text
    errors = posixpath.relpath("errors.md", posixpath.dirname(path) or ".")
    for name, place in places().items():
        target = f"({errors}#{name.lower()})" if place == ERROR else f"[{place}]"
        text = re.sub(rf"(?<!\[)`{name}`(?!\])", f"[`{name}`]{target}", text)
    return text


@functools.cache
def places() -> dict[str, str]:
    """Where each class is described, by its name: a dotted name, or `ERROR`."""
    made = {place.rpartition(".")[2]: f"ssdgm_runtime.{place}" for place in ANSWERS}
    for package in map(importlib.import_module, PACKAGES):
        for name in (each for each in package.__all__ if each[0].isupper()):
            made[name] = (
                ERROR if _is_error(getattr(package, name)) else f"{package.__name__}.{name}"
            )
    return made


def _entry(package: str, name: str, level: int = 2) -> str:
    """A name's place, which mkdocstrings fills from its docstring."""
    directive = f"::: {package}.{name}\n    options:\n      heading_level: {level}"
    if "." in name:  # not where it is imported from, only where it is
        directive += "\n      show_root_full_path: false"
    if package == "ssdgm_export":  # what estimators share is in a base class of theirs
        directive += "\n      inherited_members: true"
    if package == "ssdgm_train":  # a module of it has names of its own, not all of them public
        directive += "\n      filters: public"
    return f"{directive}\n\n{LOAD}" if name == "load" else directive


def answers() -> str:
    """What a model's methods give back."""
    about = (
        "What the methods of [`Model`][ssdgm_runtime.Model] give back: plain arrays with names. "
        "Which class `classify` gives follows from the bundle's labels: "
        "[label spaces](../concepts.md#label-spaces)."
    )
    entries = (_entry("ssdgm_runtime", name) for name in ANSWERS)
    return "\n\n".join(["# What a model answers", about, *entries]) + "\n"
