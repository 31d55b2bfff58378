"""Trained model to bundle, and the command line.

`convert` is imported when it is first asked for: it needs torch, and `ssdgm-export --help` does
not.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ssdgm_export.bundle import Converted, convert

__version__ = "0.1.0"
__all__ = ["Converted", "__version__", "convert"]


def __getattr__(name: str) -> object:
    if name in ("convert", "Converted"):
        from ssdgm_export import bundle

        return getattr(bundle, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
