"""Semi-supervised deep generative models in PyTorch.

    from ssdgm_train import begin, recipe, train

    session = begin("digits", recipe.load(None, "m2"), Path("runs/a"), labelled=100)
    for progress in train(session):
        ...

`METHODS` is the registry; `begin`, `resume` and `train` take a run from data to weights;
`ssdgm_train.training.loop` is the bare loop for those who bring their own. The same as a
scikit-learn estimator is `ssdgm_export.SemiSupervisedClassifier`.
"""

__version__ = "0.1.0"

from ssdgm_train.methods import METHODS
from ssdgm_train.recipes import recipe
from ssdgm_train.runs.session import Session, begin, resume
from ssdgm_train.runs.training import Progress, train

__all__ = [
    "METHODS",
    "Progress",
    "Session",
    "__version__",
    "begin",
    "recipe",
    "resume",
    "train",
]


def __getattr__(name: str) -> object:
    if name == "SemiSupervisedClassifier":
        raise ImportError("it has moved: from ssdgm_export import SemiSupervisedClassifier")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
