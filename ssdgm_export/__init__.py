"""Trained model to bundle, the scikit-learn face, and the command line.

Everything here is imported when it is first asked for: it needs torch, and `ssdgm-export --help`
does not.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ssdgm_export.bundle.convert import Converted, convert
    from ssdgm_export.estimator.classifier import SemiSupervisedClassifier
    from ssdgm_export.estimator.outliers import OutlierDetector
    from ssdgm_export.estimator.pipelines import export
    from ssdgm_export.estimator.regressor import SemiSupervisedRegressor

__version__ = "0.1.0"
__all__ = [
    "Converted",
    "OutlierDetector",
    "SemiSupervisedClassifier",
    "SemiSupervisedRegressor",
    "__version__",
    "convert",
    "export",
]


def __getattr__(name: str) -> object:
    if name in ("convert", "Converted"):
        from ssdgm_export.bundle import convert

        return getattr(convert, name)
    if name == "export":
        from ssdgm_export.estimator import pipelines

        return pipelines.export
    if name == "SemiSupervisedClassifier":
        from ssdgm_export.estimator import classifier

        return classifier.SemiSupervisedClassifier
    if name == "OutlierDetector":
        from ssdgm_export.estimator import outliers

        return outliers.OutlierDetector
    if name == "SemiSupervisedRegressor":
        from ssdgm_export.estimator import regressor

        return regressor.SemiSupervisedRegressor
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
