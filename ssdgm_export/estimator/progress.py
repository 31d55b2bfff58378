"""What `verbose` writes to standard error: validations, folds, and what was compared."""

import sys

from ssdgm_export.estimator import memory
from ssdgm_runtime import terminal
from ssdgm_train.portfolio import words
from ssdgm_train.runs import training


def tell(progress: training.Progress) -> None:
    """A line for every validation, and for every fold of a trial."""
    if progress.terms is not None:
        terms = [f"{name} {value:.3f}" for name, value in progress.terms.items()]
        of = f"{progress.of}: " if progress.of else ""
        if progress.of and progress.validation is not None:
            terms.insert(0, progress.validation.words)
        sys.stderr.write(f"step {progress.step} of {progress.steps}: {of}{', '.join(terms)}\n")


def conclude(trained: memory.Trained) -> None:
    """The table of trials and what it says; nothing where recipes were not compared."""
    trials = trained.record.portfolio
    if trials is not None:
        table = terminal.table(words.table(trials), words.HEADING)
        sys.stderr.write("\n".join([table, *words.sentences(trials)]) + "\n")
