"""Errors about rows in memory: their users know X, y and parameters, not files and recipes."""

import contextlib
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from ssdgm_runtime import errors

PARAMETERS = "class_weight|validation|likelihood|labels_as|extra_classes"
"""Settings of data that are parameters of estimators too."""

ANYWHERE = {
    r"The labels of table ": "The labels y ",
    r"labels of table\b": "labels y",
    r", or name another column with --label\b": "",
    r'predict them with --labels-as numbers \(data\.labels_as="numbers"\)': (
        "predict them with SemiSupervisedRegressor"
    ),
    r'Measurements are --labels-as numbers \(data\.labels_as="numbers"\)': (
        "Measurements are for SemiSupervisedRegressor"
    ),
    r'say so: --labels-as classes, in a recipe data\.labels_as = "classes", in Python ': (
        "say so: "
    ),
    r"Leave the column out with data\.ignore": "Leave the column out",
    r"--set '([^']+)'": r"settings=['\1']",
    r"Give another name with -o\b": "Give another name",
    rf"\bdata\.({PARAMETERS})\b": r"\1",
}


@contextlib.contextmanager
def of_memory(file: Path, label: str = "label") -> Iterator[None]:
    """Within it, errors about a file of rows are about X and y.

    Args:
        file: The file that the rows were written to.
        label: The column of labels in it, or several with commas.
    """
    place = re.escape(str(file))
    column = f"(?:{'|'.join(map(re.escape, label.split(',')))})"
    own = {
        rf"{place}, row (\d+), column '{column}',": r"y[\1]",
        rf"{place}, row (\d+), column '([^']*)',": r"X['\2'], row \1,",
        rf"{place}, column '{column}',": "y",
        rf"{place}, column": "X, column",
        place: "X",
    }
    try:
        yield
    except errors.SsdgmError as error:
        for part in ("found", "expected", "mend"):
            setattr(error, part, _said(getattr(error, part), own | ANYWHERE))
        if not isinstance(error, errors.InputError):
            error.args = (error.found, error.expected, error.mend)
        raise


def _said(text: str, phrases: Mapping[str, str]) -> str:
    for phrase, other in phrases.items():
        text = re.sub(phrase, other, text)
    return text
