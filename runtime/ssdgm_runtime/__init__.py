"""Run exported semi-supervised deep generative models with numpy and an ONNX engine.

    >>> import ssdgm_runtime
    >>> model = ssdgm_runtime.load("digits.ssdgm")  # doctest: +SKIP
    >>> model.classify(x).names  # doctest: +SKIP

Importing this package costs next to nothing: `load`, `Model` and `Options` come from
`ssdgm_runtime.model` when they are first asked for, and the engine with the first `load`.
"""

from typing import TYPE_CHECKING

from ssdgm_runtime.errors import (
    BundleError,
    BundleNotFound,
    Busy,
    DataError,
    DataNotFound,
    DeadlineExceeded,
    EngineError,
    FormatError,
    InputError,
    IntegrityError,
    MissingEngine,
    MissingExtra,
    NotWritable,
    OutOfMemory,
    OutputExists,
    ProviderUnavailable,
    SsdgmError,
    TaskUnavailable,
    UnsupportedVersion,
    Untrusted,
    UsageError,
    WriteFailed,
)

if TYPE_CHECKING:
    from ssdgm_runtime.bundle.trust.policy import Policy
    from ssdgm_runtime.engine.options import Options
    from ssdgm_runtime.model import Model, load
    from ssdgm_runtime.rows.drift import DriftWarning

__version__ = "0.1.0"

__all__ = [
    "BundleError",
    "BundleNotFound",
    "Busy",
    "DataError",
    "DataNotFound",
    "DeadlineExceeded",
    "DriftWarning",
    "EngineError",
    "FormatError",
    "InputError",
    "IntegrityError",
    "MissingEngine",
    "MissingExtra",
    "Model",
    "NotWritable",
    "Options",
    "OutOfMemory",
    "OutputExists",
    "Policy",
    "ProviderUnavailable",
    "SsdgmError",
    "TaskUnavailable",
    "UnsupportedVersion",
    "Untrusted",
    "UsageError",
    "WriteFailed",
    "__version__",
    "load",
]


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    import importlib

    places = {"Options": "engine.options", "Policy": "bundle.trust.policy"}
    place = (places | {"DriftWarning": "rows.drift"}).get(name, "model")
    globals()[name] = value = getattr(importlib.import_module(f"{__name__}.{place}"), name)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
