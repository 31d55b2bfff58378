"""Semi-supervised deep generative models in PyTorch.

    from ssdgm_train import begin, recipe, train

    session = begin("digits", recipe.load(None, "m2"), Path("runs/a"), labelled=100)
    for progress in train(session):
        ...

`METHODS` is the registry; `begin`, `resume` and `train` take a run from data to weights;
`SemiSupervisedClassifier` is the same as a scikit-learn estimator, imported when it is first asked
for; `ssdgm_train.fit` is the bare loop for those who bring their own.
"""

__version__ = "0.1.0"

from typing import TYPE_CHECKING

from ssdgm_train import recipe
from ssdgm_train.methods import METHODS
from ssdgm_train.run import Progress, train
from ssdgm_train.session import Session, begin, resume

if TYPE_CHECKING:
    from ssdgm_train.estimator import SemiSupervisedClassifier

__all__ = [
    "METHODS",
    "Progress",
    "SemiSupervisedClassifier",
    "Session",
    "__version__",
    "begin",
    "recipe",
    "resume",
    "train",
]


def __getattr__(name: str) -> object:
    if name == "SemiSupervisedClassifier":
        from ssdgm_train import estimator

        return estimator.SemiSupervisedClassifier
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
